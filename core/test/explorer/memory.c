/* SPDX-License-Identifier: MIT */
/* memory.c - puts the program's memory back after each schedule.
 *
 * Covers the program's variables and everything the core maps. Pages are write-protected
 * once; those that any schedule writes to are found by the fault, copied, and from then
 * on put back and hashed each time. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "explorer.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_PAGE 4096u
#define MEMORY_REGIONS 64
#define MEMORY_PAGES 4096 /* that schedules write to */

typedef struct memory_region {
    unsigned char *start;
    size_t bytes;
} memory_region;

typedef struct memory_state {
    memory_region regions[MEMORY_REGIONS];
    size_t region_count;
    unsigned char *pages[MEMORY_PAGES];
    unsigned char *copies; /* MEMORY_PAGES of them */
    size_t page_count;
    bool is_saved;
} memory_state;

extern char __data_start[];
extern char _end[];

static memory_state *memory = NULL;

void *__real_mmap(
        void *address, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(
        void *address, size_t length, int protection, int flags, int fd, off_t offset);

void *explorer_keep(size_t bytes) {
    void *address = __real_mmap(
            NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) {
        abort();
    }
    return address;
}

static void memory_add(void *address, size_t length) {
    if (memory == NULL) {
        memory = explorer_keep(sizeof *memory);
        memory->copies = explorer_keep((size_t)MEMORY_PAGES * MEMORY_PAGE);
    }
    if (memory->region_count == MEMORY_REGIONS || memory->is_saved) {
        abort(); /* a schedule must not map: it could not be undone */
    }
    uintptr_t first = (uintptr_t)address & ~(uintptr_t)(MEMORY_PAGE - 1);
    uintptr_t last = ((uintptr_t)address + length + MEMORY_PAGE - 1) &
                     ~(uintptr_t)(MEMORY_PAGE - 1);
    memory->regions[memory->region_count++] =
            (memory_region){(unsigned char *)first, last - first};
}

/* The core's mappings come through here (-Wl,--wrap=mmap). */
void *__wrap_mmap(
        void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    void *mapped = __real_mmap(address, length, protection, flags, fd, offset);
    if (mapped != MAP_FAILED) {
        memory_add(mapped, length);
    }
    return mapped;
}

/* The core's blocks are variables here, so that they are put back as well; what a
 * schedule allocates is given back by that. */
static _Alignas(16) unsigned char memory_arena[1 << 20];
static size_t memory_arena_used = 0;

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void __wrap_free(void *block);

void *__wrap_malloc(size_t bytes) {
    size_t rounded = (bytes + 15) & ~(size_t)15;
    if (rounded > sizeof memory_arena - memory_arena_used) {
        return NULL;
    }
    void *block = memory_arena + memory_arena_used;
    memory_arena_used += rounded;
    return block;
}

void *__wrap_calloc(size_t count, size_t bytes) {
    return bytes != 0 && count > SIZE_MAX / bytes ? NULL : __wrap_malloc(count * bytes);
}

void __wrap_free(void *block) {
    (void)block;
}

static void memory_fault(int number, siginfo_t *info, void *context) {
    (void)context;
    unsigned char *page =
            (unsigned char *)((uintptr_t)info->si_addr & ~(uintptr_t)(MEMORY_PAGE - 1));
    bool is_ours = false;
    for (size_t i = 0; i < memory->region_count; i++) {
        is_ours = is_ours ||
                  (size_t)(page - memory->regions[i].start) < memory->regions[i].bytes;
    }
    for (size_t i = 0; i < memory->page_count; i++) {
        is_ours = is_ours &&
                  memory->pages[i] != page; /* written to already: a real crash */
    }
    if (!is_ours || memory->page_count == MEMORY_PAGES) {
        signal(number, SIG_DFL);
        return;
    }
    memcpy(memory->copies + memory->page_count * MEMORY_PAGE, page, MEMORY_PAGE);
    memory->pages[memory->page_count++] = page;
    mprotect(page, MEMORY_PAGE, PROT_READ | PROT_WRITE);
}

void explorer_memory_save(void) {
    memory_add(__data_start, (size_t)(_end - __data_start));
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = memory_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, NULL);
    memory->is_saved = true;
    memory_state *here = memory; /* the variable itself is about to be protected */
    for (size_t i = 0; i < here->region_count; i++) {
        mprotect(here->regions[i].start, here->regions[i].bytes, PROT_READ);
    }
}

void explorer_memory_restore(void) {
    for (size_t i = 0; i < memory->page_count; i++) {
        memcpy(memory->pages[i], memory->copies + i * MEMORY_PAGE, MEMORY_PAGE);
    }
}

uint64_t explorer_hash(uint64_t seed, const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    uint64_t hash = seed;
    for (size_t i = 0; i + 8 <= length; i += 8) {
        uint64_t word = 0;
        memcpy(&word, at + i, 8);
        hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
        hash ^= hash >> 35;
    }
    return hash;
}

/* Only what differs from the saved pages: a page that comes in later leaves the hashes of
 * states before it as they were. */
uint64_t explorer_memory_hash(uint64_t seed) {
    uint64_t hash = seed;
    for (size_t i = 0; i < memory->page_count; i++) {
        const unsigned char *copy = memory->copies + i * MEMORY_PAGE;
        for (size_t at = 0; at < MEMORY_PAGE; at += 64) {
            if (memcmp(memory->pages[i] + at, copy + at, 64) != 0) {
                uint64_t place = (uint64_t)(uintptr_t)(memory->pages[i] + at);
                /* A sum: the order in which pages were found does not count. */
                hash += explorer_hash(place, memory->pages[i] + at, 64);
            }
        }
    }
    return hash;
}
