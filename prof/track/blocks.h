/* SPDX-License-Identifier: MIT */
/* blocks.h - the table of live allocations, in the trace file.
 *
 *   insert (after the allocation) -> remove (before the free)
 *
 * Only the thread that got an address from the allocator inserts it, and only the thread
 * that frees it removes it, and the program orders the two: no key is ever contended, only
 * slots are. Lock-free, any thread, never allocates. */
#ifndef BELAY_PROF_BLOCKS_H
#define BELAY_PROF_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One byte for each group of addresses: 0 means that no address of the group is in the
 * table. It lets `free` skip the table for the blocks that were not sampled. When every
 * allocation is recorded, and before the start, the mask is 0 and the one byte is 1. */
enum { PROF_FILTER_BYTES = 1 << 16 };

extern _Atomic uint8_t prof__filter[PROF_FILTER_BYTES];
extern uintptr_t prof__filter_mask;

static inline size_t prof__filter_index(const void *block)
{
    uintptr_t address = (uintptr_t)block;

    return (address >> 5 ^ address >> 21) & prof__filter_mask;
}

/* Sets the filter up, for all blocks or for samples. */
void prof__blocks_init(bool is_all);

/* Empties the filter: nothing is looked up any more (but for the early blocks). */
void prof__blocks_stop(void);

/* Notes that `block` lives. `stack` is an index into the table of stacks. */
void prof__blocks_insert(const void *block, uint32_t stack, size_t size_bytes);

/* Forgets `block`. Returns false when it was not known. */
bool prof__blocks_remove(const void *block, uint32_t *out_stack, size_t *out_size_bytes);

#endif
