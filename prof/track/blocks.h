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

#include "area.h"

/* One byte for each group of addresses, 512 bytes of the heap: 0 means that no address of
 * the group is in the table. It lets `free` skip the table for the blocks that were not
 * sampled; coarse, so that the bytes of a busy heap stay in the first cache. All bytes
 * are 255 when every allocation is recorded. */
enum {
    PROF_FILTER_BYTES = 1 << 18,
    PROF_FILTER_SHIFT = 9,
    PROF_BLOCKS_A_PART = (1 << PROF_AREA_PART_BITS) / sizeof(prof_block)
};

#define PROF_BLOCKS_MIX 0x9E3779B97F4A7C15ULL

extern _Atomic uint8_t prof__filter[PROF_FILTER_BYTES];

static inline size_t prof__filter_index(const void *block) {
    return ((uintptr_t)block >> PROF_FILTER_SHIFT) & (PROF_FILTER_BYTES - 1);
}

/* False: `block` can't be in the table. */
static inline bool prof__filter_has(const void *block) {
    return atomic_load_explicit(
                   &prof__filter[prof__filter_index(block)], memory_order_relaxed) != 0;
}

/* Begins with the table in prof__area, for all blocks or for samples. */
void prof__blocks_init(bool is_all);

/* Empties the filter: nothing is looked up any more (but for the early blocks). */
void prof__blocks_stop(void);

/* Makes `free` look closely at this block, which is none of the next allocator's. */
void prof__blocks_keep(const void *block);

/* What the short ways below need, in one cache line. */
typedef struct prof_blocks {
    prof_block *table;
    uint64_t mask;                /* of the places where a window may start */
    const _Atomic uint8_t *parts; /* prof__area_parts, from that of the table on */
    bool is_all; /* every allocation is recorded: the filter is 255 everywhere */
} prof_blocks;

extern prof_blocks prof__blocks;

/* The place in the table where `block` belongs. */
static inline uint64_t prof__blocks_home(const void *block) {
    uint64_t address = (uintptr_t)block;

    return ((address >> 5) + ((address >> 26) * PROF_BLOCKS_MIX >> 20)) &
           prof__blocks.mask;
}

/* The slot at `home` when it may be touched, else NULL. */
static inline prof_block *prof__blocks_slot(uint64_t home) {
    uint64_t part = home / PROF_BLOCKS_A_PART;

    return atomic_load_explicit(&prof__blocks.parts[part], memory_order_relaxed) ==
                           PROF_AREA_BACKED
                   ? &prof__blocks.table[home]
                   : NULL;
}

/* Asks the processor for the place of `block` in the table, which is needed soon. */
static inline void prof__blocks_expect(const void *block) {
    __builtin_prefetch(&prof__blocks.table[prof__blocks_home(block)], 1);
}

/* What is noted of a block of `size_bytes`. `stack` is an index into the table of stacks.
 */
static inline uint64_t prof__blocks_value(uint32_t stack, size_t size_bytes) {
    uint64_t size = size_bytes < PROF_SIZE_MAX ? size_bytes : PROF_SIZE_MAX;

    return (uint64_t)stack << (64 - PROF_STACK_BITS) | size;
}

/* The long ways of insert and remove: the place is taken, or this is a sample. */
void prof__blocks_insert_far(const void *block, uint64_t value);
uint64_t prof__blocks_remove_far(const void *block);

/* Notes that `block` lives. */
static inline void prof__blocks_insert(const void *block, uint64_t value) {
    prof_block *slot = prof__blocks_slot(prof__blocks_home(block));
    uint64_t old = 0;

    if (slot && prof__blocks.is_all &&
            atomic_compare_exchange_strong_explicit(&slot->address, &old,
                    (uintptr_t)block, memory_order_acquire, memory_order_relaxed)) {
        /* Pairs with the reader's acquire: a value means that the address stands. */
        atomic_store_explicit(&slot->value, value, memory_order_release);
    } else {
        prof__blocks_insert_far(block, value);
    }
}

/* Forgets `block`. Returns what was noted of it, or 0 when it was not known. */
static inline uint64_t prof__blocks_remove(const void *block) {
    prof_block *slot = prof__blocks_slot(prof__blocks_home(block));
    uint64_t value;

    if (!slot || !prof__blocks.is_all ||
            atomic_load_explicit(&slot->address, memory_order_relaxed) !=
                    (uintptr_t)block) {
        return prof__blocks_remove_far(block);
    }
    value = atomic_load_explicit(&slot->value, memory_order_relaxed);
    atomic_store_explicit(&slot->value, 0, memory_order_relaxed);
    /* Pairs with the next owner's exchange: it must not find the old value later. */
    atomic_store_explicit(&slot->address, 0, memory_order_release);
    return value;
}

#endif
