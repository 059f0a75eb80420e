/* SPDX-License-Identifier: MIT */
/* memory.c - private memory only: elsewhere than on Linux the ledger can't be shared yet.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../../platform.h"

#include <errno.h>
#include <sys/mman.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

void *belay__memory_private(size_t bytes) {
    void *address =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return address == MAP_FAILED ? NULL : address;
}

void *belay__memory_common(size_t bytes) {
    void *address =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return address == MAP_FAILED ? NULL : address;
}

void belay__memory_release(void *address, size_t bytes) {
    munmap(address, bytes);
}

bool belay__memory_can_share(void) {
    return false;
}

int belay__memory_open(const char *path, char *out_name, size_t name_bytes, int *out_fd) {
    (void)path;
    (void)out_name;
    (void)name_bytes;
    (void)out_fd;
    return ENOTSUP;
}

int belay__memory_extend(int fd, uint64_t offset, uint64_t bytes) {
    (void)fd;
    (void)offset;
    (void)bytes;
    return ENOTSUP;
}

int belay__memory_map(int fd, uint64_t offset, size_t bytes, void **out_address) {
    (void)fd;
    (void)offset;
    (void)bytes;
    (void)out_address;
    return ENOTSUP;
}

int belay__memory_map_large(int fd, uint64_t offset, void **out_address) {
    (void)fd;
    (void)offset;
    (void)out_address;
    return ENOTSUP;
}

int belay__memory_make_large(void *address) {
    (void)address;
    return ENOTSUP;
}

bool belay__memory_move(void *to, void *from, size_t bytes) {
    (void)to;
    (void)from;
    (void)bytes;
    return false;
}
