/* SPDX-License-Identifier: MIT */
/* addresses.h - pointers whose blocks are looked for. */
#ifndef BELAY_PROF_ADDRESSES_H
#define BELAY_PROF_ADDRESSES_H

#include <stddef.h>
#include <stdint.h>

/* Ascending, each once; borrowed. */
typedef struct prof_addresses {
    const uint64_t *items;
    size_t count;
} prof_addresses;

/* Finds the pointer that the block at `address` with `size` bytes belongs to: it begins
 * there, or 8 or 16 bytes before, where a library's own allocator keeps the size
 * (SQLite's does), and then no other of the pointers is inside: a pool is nobody's block.
 * Returns its index, `count` when there is none. */
size_t prof__addresses_find(
        const prof_addresses *addresses, uint64_t address, uint64_t size);

#endif
