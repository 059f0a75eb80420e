/* SPDX-License-Identifier: MIT */
#include "allocator.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "blocks.h"

/* dlsym itself may allocate: it is served from here, 16 bytes of header before each
 * block. */
enum { ALLOCATOR_EARLY_BYTES = 16384, ALLOCATOR_HEADER = 16 };

static _Alignas(16) char allocator_early[ALLOCATOR_EARLY_BYTES] = {0};
static size_t allocator_early_used = 0;
static int allocator_state = 0; /* 0 unknown, 1 being found, 2 found */

bool prof__allocator_owns(const void *block) {
    return (uintptr_t)block - (uintptr_t)allocator_early < ALLOCATOR_EARLY_BYTES;
}

size_t prof__allocator_owned_bytes(const void *block) {
    size_t size;

    memcpy(&size, (const char *)block - ALLOCATOR_HEADER, sizeof size);
    return size;
}

void prof__allocator_visit_early(void (*visit)(const void *block)) {
    for (size_t at = 0; at < allocator_early_used; at += 16) {
        visit(allocator_early + at);
    }
}

static void *allocator_early_block(size_t size) {
    size_t need = ((size + 15) & ~(size_t)15) + ALLOCATOR_HEADER;
    char *block;

    if (size > ALLOCATOR_EARLY_BYTES ||
            need > ALLOCATOR_EARLY_BYTES - allocator_early_used) {
        errno = ENOMEM;
        return NULL;
    }
    block = allocator_early + allocator_early_used + ALLOCATOR_HEADER;
    allocator_early_used += need;
    memcpy(block - ALLOCATOR_HEADER, &size, sizeof size);
    prof__blocks_keep(block);
    return block;
}

#define X(name, result, parameters, arguments)                                           \
    static result allocator_first_##name parameters;
PROF_ALLOCATOR_LIST(X)
#undef X

static void allocator_first_free(void *block) {
    prof__allocator_find();
    if (allocator_state == 2 && !prof__allocator_owns(block)) {
        prof__next.free(block);
    }
}

prof_allocator prof__next = {
#define X(name, result, parameters, arguments) .name = allocator_first_##name,
        PROF_ALLOCATOR_LIST(X)
#undef X
                .free = allocator_first_free,
};

/* The functions of the first calls: find the next allocator, then call it. */
#define ALLOCATOR_FIRST(name, result, parameters, arguments, early)                      \
    static result allocator_first_##name parameters {                                    \
        if (allocator_state != 1) {                                                      \
            prof__allocator_find();                                                      \
            if (prof__next.name != allocator_first_##name) {                             \
                return prof__next.name arguments;                                        \
            }                                                                            \
        }                                                                                \
        return early;                                                                    \
    }

static void *allocator_early_again(void *block, size_t size) {
    void *fresh = allocator_early_block(size);

    if (fresh && block && prof__allocator_owns(block)) {
        size_t old = prof__allocator_owned_bytes(block);

        memcpy(fresh, block, old < size ? old : size);
    }
    return fresh;
}

static void *allocator_early_array(size_t count, size_t size) {
    if (size && count > ALLOCATOR_EARLY_BYTES / size) {
        return NULL;
    }
    return allocator_early_block(count * size); /* the buffer is zero and used once */
}

ALLOCATOR_FIRST(malloc, void *, (size_t size), (size), allocator_early_block(size))
ALLOCATOR_FIRST(calloc, void *, (size_t count, size_t size), (count, size),
        allocator_early_array(count, size))
ALLOCATOR_FIRST(realloc, void *, (void *block, size_t size), (block, size),
        allocator_early_again(block, size))
ALLOCATOR_FIRST(
        memalign, void *, (size_t alignment, size_t size), (alignment, size), NULL)
ALLOCATOR_FIRST(
        aligned_alloc, void *, (size_t alignment, size_t size), (alignment, size), NULL)
ALLOCATOR_FIRST(posix_memalign, int, (void **out, size_t alignment, size_t size),
        (out, alignment, size), ENOMEM)
ALLOCATOR_FIRST(valloc, void *, (size_t size), (size), NULL)
ALLOCATOR_FIRST(pvalloc, void *, (size_t size), (size), NULL)

void prof__allocator_find(void) {
    void *found;

    if (allocator_state) {
        return;
    }
    allocator_state = 1;
    /* POSIX makes a data pointer of dlsym a function pointer only by copying its bits. */
#define X(name, result, parameters, arguments)                                           \
    if ((found = dlsym(RTLD_NEXT, #name))) {                                             \
        memcpy(&prof__next.name, &found, sizeof found);                                  \
    }
    PROF_ALLOCATOR_LIST(X)
#undef X
    if ((found = dlsym(RTLD_NEXT, "free"))) {
        memcpy(&prof__next.free, &found, sizeof found);
    }
    allocator_state = 2;
}
