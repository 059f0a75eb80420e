/* SPDX-License-Identifier: MIT */
/* blocks.h - the table of live allocations, in the trace file.
 *
 *   insert (after the allocation) -> remove (before the free)
 *
 * Only the thread that got an address from the allocator inserts it, and only the thread
 * that frees it removes it, and the program orders the two: no key is ever contended,
 * only slots are. Lock-free, any thread, never allocates. */
#ifndef BELAY_PROF_BLOCKS_H
#define BELAY_PROF_BLOCKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One byte for each group of addresses, 512 bytes of the heap: 0 means that no address of
 * the group is in the table. It lets `free` skip the table for the blocks that were not
 * sampled; coarse, so that the bytes of a busy heap stay in the first cache. All bytes
 * are 255 when every allocation is recorded. */
enum { PROF_FILTER_BYTES = 1 << 18, PROF_FILTER_SHIFT = 9 };

extern _Atomic uint8_t prof__filter[PROF_FILTER_BYTES];

static inline size_t prof__filter_index(const void *block) {
    return ((uintptr_t)block >> PROF_FILTER_SHIFT) & (PROF_FILTER_BYTES - 1);
}

/* False: `block` can't be in the table. */
static inline bool prof__filter_has(const void *block) {
    return atomic_load_explicit(
                   &prof__filter[prof__filter_index(block)], memory_order_relaxed) != 0;
}

/* Sets the filter up, for all blocks or for samples. */
void prof__blocks_init(bool is_all);

/* Empties the filter: nothing is looked up any more (but for the early blocks). */
void prof__blocks_stop(void);

/* Makes `free` look closely at this block, which is none of the next allocator's. */
void prof__blocks_keep(const void *block);

/* Asks the processor for the place of `block` in the table, which is needed soon. */
void prof__blocks_expect(const void *block);

/* Notes that `block` lives. `stack` is an index into the table of stacks. */
void prof__blocks_insert(const void *block, uint32_t stack, size_t size_bytes);

/* Forgets `block`. Returns false when it was not known. */
bool prof__blocks_remove(const void *block, uint32_t *out_stack, size_t *out_size_bytes);

#endif
