/* SPDX-License-Identifier: MIT */
/* Design: an array ordered by address, under a lock of its own. Looking up is a binary
 * search; adding and cutting move what lies behind, at most 2 MiB when the program has as
 * many mappings as Linux allows it (65,530), mostly some KiB: less than the system call
 * that it follows. */
#include "extents.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "../trace/weight.h"
#include "area.h"
#include "blocks.h"
#include "stacks.h"

enum { EXTENTS_MAX = 1 << 16 };

typedef struct extent {
    uintptr_t start, end;
    uint64_t number; /* ascending by birth; what is left of one keeps its number */
    bool is_noted;
} extent;

static extent extents[EXTENTS_MAX] = {{0}};
static size_t extents_count = 0;
static _Atomic uint64_t extents_number = 0;
static _Atomic int extents_lock = 0;
static uint64_t extents_period = 1;

static void extents_acquire(void) {
    while (atomic_exchange_explicit(&extents_lock, 1, memory_order_acquire)) {
        sched_yield();
    }
}

static void extents_release(void) {
    atomic_store_explicit(&extents_lock, 0, memory_order_release);
}

void prof__extents_init(uint64_t period_bytes) {
    extents_period = period_bytes;
}

void prof__extents_forget(void) {
    extents_count = 0;
    atomic_store_explicit(&extents_lock, 0, memory_order_relaxed);
}

uint64_t prof__extents_newest(void) {
    /* Relaxed: read before a system call that gives pages back; whoever gets them from
     * the kernel after that is ordered by the kernel's lock. */
    return atomic_load_explicit(&extents_number, memory_order_relaxed);
}

/* The first extent that ends behind `address`. */
static size_t extents_find(uintptr_t address) {
    size_t low = 0, high = extents_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (extents[middle].end <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Puts `fresh` in the place of `gone` extents; there is room. */
static void extents_replace(size_t at, size_t gone, const extent *fresh, size_t count) {
    memmove(extents + at + count, extents + at + gone,
            (extents_count - at - gone) * sizeof *extents);
    memcpy(extents + at, fresh, count * sizeof *extents);
    extents_count += count - gone;
}

bool prof__extents_has(uintptr_t address) {
    size_t at;
    bool has;

    extents_acquire();
    at = extents_find(address);
    has = at < extents_count && extents[at].start <= address;
    extents_release();
    return has;
}

bool prof__extents_add(prof_pages pages, bool is_noted) {
    extent fresh = {pages.start, pages.start + pages.bytes, 0, is_noted};
    bool has_room;

    extents_acquire();
    has_room = extents_count < EXTENTS_MAX;
    if (has_room) {
        fresh.number =
                atomic_fetch_add_explicit(&extents_number, 1, memory_order_relaxed) + 1;
        extents_replace(extents_find(fresh.start), 0, &fresh, 1);
    } else {
        prof__area_lose(PROF_LOSS_BLOCKS);
    }
    extents_release();
    return has_room;
}

/* A sample of a whole is one of its part as often as a sample of that size is taken: a
 * part stands for more allocations than the whole did. */
static bool extents_is_sample(size_t whole, size_t part, uint64_t random) {
    return (double)(random >> 11) * 0x1p-53 * prof__weight_of(part, extents_period) <
           prof__weight_of(whole, extents_period);
}

/* Moves the note of a whole to the `count` parts that are left of it. */
static void extents_note(
        const extent *whole, extent *parts, size_t count, uint64_t random) {
    size_t whole_bytes = whole->end - whole->start;
    uint64_t value = prof__blocks_remove((const void *)whole->start);
    uint32_t stack = (uint32_t)(value >> (64 - PROF_STACK_BITS));

    for (size_t i = 0; i < count; i++) {
        size_t bytes = parts[i].end - parts[i].start;

        parts[i].is_noted = value && extents_is_sample(whole_bytes, bytes, random);
        if (parts[i].is_noted) {
            prof__blocks_insert(
                    (const void *)parts[i].start, prof__blocks_value(stack, bytes));
        }
    }
    if (value && count == 2) { /* one more block, that nobody asked for */
        double weight = prof__weight_of(whole_bytes, extents_period);

        prof__stacks_add(
                stack, (uint64_t)(weight * (1 << PROF_COUNT_FRACTION_BITS)), 0, 0);
    }
}

/* Takes [start, end) out of one extent. Returns how many are left of it. */
static size_t extents_cut_one(
        size_t at, uintptr_t start, uintptr_t end, uint64_t random) {
    extent whole = extents[at], parts[2];
    size_t count = 0;

    if (whole.start < start) {
        parts[count] = whole;
        parts[count++].end = start;
    }
    if (whole.end > end && count == 1 && extents_count == EXTENTS_MAX) {
        prof__area_lose(PROF_LOSS_BLOCKS);
    } else if (whole.end > end) {
        parts[count] = whole;
        parts[count++].start = end;
    }
    if (whole.is_noted) {
        extents_note(&whole, parts, count, random);
    }
    extents_replace(at, 1, parts, count);
    return count;
}

void prof__extents_cut(prof_pages pages, uint64_t newest, uint64_t random) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t end = (pages.start + pages.bytes + page - 1) & ~(page - 1);

    extents_acquire();
    for (size_t at = extents_find(pages.start);
            at < extents_count && extents[at].start < end;) {
        at += extents[at].number > newest ? 1
                                          : extents_cut_one(at, pages.start, end, random);
    }
    extents_release();
}
