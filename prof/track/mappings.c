/* SPDX-License-Identifier: MIT */
#include "mappings.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "blocks.h"
#include "recorder.h"

#define MAPPINGS_HOOK __attribute__((visibility("default")))

size_t prof__mappings_minimum = SIZE_MAX;

static void *mappings_call(
        void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    /* The system call, not the next mmap: this may be called before anything can be
     * looked up. */
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

MAPPINGS_HOOK void *mmap(
        void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    prof_origin origin = PROF_ORIGIN_HERE;
    void *mapped = mappings_call(address, length, protection, flags, fd, offset);

    if (length >= prof__mappings_minimum && mapped != MAP_FAILED &&
            (flags & MAP_ANONYMOUS) && (flags & MAP_PRIVATE) &&
            (protection & PROT_WRITE)) {
        prof__recorder_mapped(mapped, length, &origin);
    }
    return mapped;
}

MAPPINGS_HOOK void *mmap64(void *address, size_t length, int protection, int flags,
        int fd, off_t offset) __attribute__((alias("mmap")));

MAPPINGS_HOOK int munmap(void *address, size_t length) {
    bool is_noted = length >= prof__mappings_minimum && prof__filter_has(address);
    uint64_t known = is_noted ? prof__recorder_freed(address) : 0;
    int result = (int)syscall(SYS_munmap, address, length);

    if (result != 0 && known) {
        prof__recorder_restore(address, known);
    }
    return result;
}
