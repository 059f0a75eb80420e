/* SPDX-License-Identifier: MIT */
#include "mappings.h"

#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

#define MAPPINGS_HOOK __attribute__((visibility("default")))

/* The system calls, not the next mmap: these may be called before anything can be looked
 * up. */

size_t prof__mappings_minimum = SIZE_MAX;

static inline bool mappings_are_recorded(void) {
    return prof__mappings_minimum != SIZE_MAX;
}

MAPPINGS_HOOK void *mmap(
        void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    prof_origin origin = PROF_ORIGIN_HERE;
    void *mapped =
            (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
    prof_remap remap = {.fresh = {(uintptr_t)mapped, length},
            .is_followed = (flags & MAP_ANONYMOUS) && (flags & MAP_PRIVATE) &&
                           (protection & PROT_WRITE)};

    /* A file's pages, too, may take the place of others. */
    if (mappings_are_recorded() && mapped != MAP_FAILED &&
            (remap.is_followed || (flags & MAP_FIXED))) {
        prof__recorder_remapped(&remap, prof__mappings_minimum, &origin);
    }
    return mapped;
}

MAPPINGS_HOOK void *mmap64(void *address, size_t length, int protection, int flags,
        int fd, off_t offset) __attribute__((alias("mmap")));

/* As realloc: what was there ends, what is there now begins with this caller. */
MAPPINGS_HOOK void *mremap(
        void *old, size_t old_length, size_t length, int flags, ... /* void *place */) {
    prof_origin origin = PROF_ORIGIN_HERE;
    prof_remap remap = {.newest = prof__extents_newest(),
            .is_followed = mappings_are_recorded() && prof__recorder_follows(old)};
    void *place = NULL, *mapped;

    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
        va_list arguments;

        va_start(arguments, flags);
        place = va_arg(arguments, void *);
        va_end(arguments);
    }
    mapped = (void *)syscall(SYS_mremap, old, old_length, length, flags, place);
    if (mappings_are_recorded() && mapped != MAP_FAILED) {
        if (!(flags & MREMAP_DONTUNMAP)) {
            remap.gone = (prof_pages){(uintptr_t)old, old_length};
        }
        remap.fresh = (prof_pages){(uintptr_t)mapped, length};
        prof__recorder_remapped(&remap, prof__mappings_minimum, &origin);
    }
    return mapped;
}

MAPPINGS_HOOK int munmap(void *address, size_t length) {
    prof_remap remap = {
            .gone = {(uintptr_t)address, length}, .newest = prof__extents_newest()};
    int result = (int)syscall(SYS_munmap, address, length);

    if (mappings_are_recorded() && result == 0) {
        prof__recorder_remapped(&remap, prof__mappings_minimum, NULL);
    }
    return result;
}
