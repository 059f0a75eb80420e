/* SPDX-License-Identifier: MIT */
/* allocator.h - the allocator that the program would have had without us.
 *
 * Whatever stands behind ours in the search order of the loader: glibc, or a jemalloc or
 * mimalloc that the program links or preloads. Found by dlsym(RTLD_NEXT) at the first
 * call. Until then the pointers lead to functions that do the finding, so the hot path
 * has no test. */
#ifndef BELAY_PROF_ALLOCATOR_H
#define BELAY_PROF_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

/* The functions that are chained to: name, result, parameters, arguments. */
#define PROF_ALLOCATOR_LIST(X)                                                           \
    X(malloc, void *, (size_t size), (size))                                             \
    X(calloc, void *, (size_t count, size_t size), (count, size))                        \
    X(realloc, void *, (void *block, size_t size), (block, size))                        \
    X(memalign, void *, (size_t alignment, size_t size), (alignment, size))              \
    X(aligned_alloc, void *, (size_t alignment, size_t size), (alignment, size))         \
    X(posix_memalign, int, (void **out, size_t alignment, size_t size),                  \
            (out, alignment, size))                                                      \
    X(valloc, void *, (size_t size), (size))                                             \
    X(pvalloc, void *, (size_t size), (size))

typedef struct prof_allocator {
#define X(name, result, parameters, arguments) result(*name) parameters;
    PROF_ALLOCATOR_LIST(X)
#undef X
    void (*free)(void *block);
} prof_allocator;

extern prof_allocator prof__next;

/* Finds the next allocator; does nothing the second time. */
void prof__allocator_find(void);

/* True for the few blocks handed out while the next allocator was being looked for; they
 * come from a static buffer and are never freed. */
bool prof__allocator_owns(const void *block);

/* Calls `visit` for every place where such a block may start. */
void prof__allocator_visit_early(void (*visit)(const void *block));

/* The size such a block was asked for. */
size_t prof__allocator_owned_bytes(const void *block);

#endif
