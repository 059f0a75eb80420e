/* SPDX-License-Identifier: MIT */
/* hooks.c - the functions that the program calls instead of its allocator's.
 *
 * The short path of each hook is one comparison with a thread-local number and a jump to
 * the next allocator. The long path is a function of its own, entered by a jump, so that
 * the caller's frame is the one it sees. */
#include "hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "allocator.h"
#include "area.h"
#include "blocks.h"
#include "modules.h"
#include "recorder.h"

#define HOOK __attribute__((visibility("default")))
#define HOOK_LONG static __attribute__((noinline))
#define HOOK_LIKELY(x) __builtin_expect(!!(x), 1)

/* True when no sample is due and `size` has been paid for. */
static inline bool hook_is_short(size_t size) {
    if (HOOK_LIKELY(size < prof__local.left)) {
        prof__local.left -= size;
        return true;
    }
    return false;
}

HOOK_LONG void *hook_malloc(size_t size) {
    prof_origin origin = PROF_ORIGIN_HERE;
    void *block = prof__next.malloc(size);

    if (block) {
        prof__recorder_allocated(block, size, &origin);
    }
    return block;
}

void *prof__hooks_malloc(size_t size) {
    return hook_is_short(size) ? prof__next.malloc(size) : hook_malloc(size);
}

HOOK void *malloc(size_t size) __attribute__((alias("prof__hooks_malloc")));

HOOK_LONG void hook_free(void *block) {
    if (block && !prof__allocator_owns(block)) {
        prof__recorder_freed(block);
        prof__next.free(block);
    }
}

HOOK void free(void *block) {
    if (HOOK_LIKELY(!prof__filter_has(block))) {
        prof__next.free(block);
    } else {
        hook_free(block);
    }
}

HOOK_LONG void *hook_calloc(size_t count, size_t size) {
    prof_origin origin = PROF_ORIGIN_HERE;
    void *block = prof__next.calloc(count, size);

    if (block) {
        prof__recorder_allocated(block, count * size, &origin);
    }
    return block;
}

HOOK void *calloc(size_t count, size_t size) {
    size_t bytes;

    if (!__builtin_mul_overflow(count, size, &bytes) && hook_is_short(bytes)) {
        return prof__next.calloc(count, size);
    }
    return hook_calloc(count, size);
}

static void *hook_move_early(void *block, size_t size) {
    size_t old = prof__allocator_owned_bytes(block);
    void *moved = prof__next.malloc(size);

    return moved ? memcpy(moved, block, old < size ? old : size) : NULL;
}

HOOK_LONG void *hook_realloc(void *block, size_t size) {
    prof_origin origin = PROF_ORIGIN_HERE;
    bool is_early = block && prof__allocator_owns(block);
    /* Removed before the call: after it, another thread may own the address. */
    uint64_t known = block && !is_early && prof__filter_has(block)
                             ? prof__recorder_freed(block)
                             : 0;
    void *moved =
            is_early ? hook_move_early(block, size) : prof__next.realloc(block, size);

    if (moved) {
        if (!hook_is_short(size)) {
            prof__recorder_allocated(moved, size, &origin);
        }
    } else if (known && size) {
        prof__recorder_restore(block, known);
    }
    return moved;
}

HOOK void *realloc(void *block, size_t size) {
    if (HOOK_LIKELY(size < prof__local.left && !prof__filter_has(block))) {
        prof__local.left -= size;
        return prof__next.realloc(block, size);
    }
    return hook_realloc(block, size);
}

HOOK void *reallocarray(void *block, size_t count, size_t size) {
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return hook_realloc(block, bytes);
}

HOOK int posix_memalign(void **out, size_t alignment, size_t size) {
    prof_origin origin = PROF_ORIGIN_HERE;
    int error = prof__next.posix_memalign(out, alignment, size);

    if (error == 0 && !hook_is_short(size)) {
        prof__recorder_allocated(*out, size, &origin);
    }
    return error;
}

/* The rest differ in their arguments only, and are rare: no short path of their own. */
#define HOOK_SIMPLE(name, parameters, arguments)                                         \
    HOOK void *name parameters {                                                         \
        prof_origin origin = PROF_ORIGIN_HERE;                                           \
        void *block = prof__next.name arguments;                                         \
                                                                                         \
        if (block && !hook_is_short(size)) {                                             \
            prof__recorder_allocated(block, size, &origin);                              \
        }                                                                                \
        return block;                                                                    \
    }

HOOK_SIMPLE(memalign, (size_t alignment, size_t size), (alignment, size))
HOOK_SIMPLE(aligned_alloc, (size_t alignment, size_t size), (alignment, size))
HOOK_SIMPLE(valloc, (size_t size), (size))
HOOK_SIMPLE(pvalloc, (size_t size), (size))

HOOK int dlclose(void *handle) {
    int (*next)(void *);
    void *found = dlsym(RTLD_NEXT, "dlclose");
    int result;

    memcpy(&next, &found, sizeof next);
    result = next(handle);
    prof__modules_unloaded();
    return result;
}
