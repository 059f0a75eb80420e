/* SPDX-License-Identifier: MIT */
/* Design: open addressing in windows.
 *
 * The first window of a block starts where its address says: neighbours on the heap are
 * neighbours in the table, so the table touches few pages and few cache lines. Each 64
 * MiB of addresses is shifted by a hash of its number, because thread arenas start at the
 * same offsets. 32 bytes a slot: no allocator hands out two blocks closer than that, but
 * for tiny size classes, which then share the window. A full window sends the block to
 * one at a hashed place; that may lie where a heap is dense, so there are four of these,
 * and when all are full, the block is lost and counted.
 * Removal clears the slot: no tombstones, because a lookup always looks at the whole
 * window. */
#include "blocks.h"

#include "allocator.h"
#include "area.h"

enum { BLOCKS_NEAR = 16, BLOCKS_FAR = 32, BLOCKS_FARS = 4 };

_Atomic uint8_t prof__filter[PROF_FILTER_BYTES] = {0};

prof_blocks prof__blocks = {0};

static _Atomic int blocks_fars = 0; /* how many hashed places were ever needed */

void prof__blocks_keep(const void *block) {
    atomic_store_explicit(
            &prof__filter[prof__filter_index(block)], UINT8_MAX, memory_order_relaxed);
}

static void blocks_filter_fill(uint8_t value) {
    for (size_t i = 0; i < PROF_FILTER_BYTES; i++) {
        if (prof__filter[i] != value) { /* leaves untouched pages alone */
            atomic_store_explicit(&prof__filter[i], value, memory_order_relaxed);
        }
    }
    prof__allocator_visit_early(prof__blocks_keep);
}

void prof__blocks_init(bool is_all) {
    const prof_section *section = &prof__area.header->blocks;

    prof__blocks.table = prof__area.blocks;
    prof__blocks.mask = section->count - BLOCKS_FAR - 1;
    prof__blocks.parts = prof__area_parts + (section->offset >> PROF_AREA_PART_BITS);
    prof__blocks.is_all = is_all;
    blocks_filter_fill(is_all ? UINT8_MAX : 0);
}

void prof__blocks_stop(void) {
    blocks_filter_fill(0);
}

/* The byte saturates at 255 and then stays: it can only say "perhaps" too often. */
static void blocks_filter_add(const void *block, int step) {
    _Atomic uint8_t *byte = &prof__filter[prof__filter_index(block)];
    uint8_t old = atomic_load_explicit(byte, memory_order_relaxed);

    while (old != UINT8_MAX && !(step < 0 && old == 0)) {
        if (atomic_compare_exchange_weak_explicit(byte, &old, (uint8_t)(old + step),
                    memory_order_relaxed, memory_order_relaxed)) {
            return;
        }
    }
}

static prof_block *blocks_near(const void *block) {
    return prof__blocks.table + prof__blocks_home(block);
}

/* The hashed place number `which` of a block. */
static prof_block *blocks_far(const void *block, int which) {
    uint64_t address = (uintptr_t)block + (unsigned)which;

    return prof__blocks.table + ((address * PROF_BLOCKS_MIX) >> 20 & prof__blocks.mask);
}

static bool blocks_put(
        prof_block *window, int length, uintptr_t address, uint64_t value) {
    for (prof_block *slot = window; slot < window + length; slot++) {
        uint64_t old;

        if (!prof__area_has(slot) && !prof__area_back(slot, sizeof *slot)) {
            return false;
        }
        old = atomic_load_explicit(&slot->address, memory_order_relaxed);
        /* The same address: its free was not seen (a handler, another allocator's way).
         */
        if (old == address ||
                (old == 0 &&
                        atomic_compare_exchange_strong_explicit(&slot->address, &old,
                                address, memory_order_acquire, memory_order_relaxed))) {
            /* Pairs with the reader's acquire: a value means that the address stands. */
            atomic_store_explicit(&slot->value, value, memory_order_release);
            return true;
        }
    }
    return false;
}

/* False: no room in any hashed place. */
static bool blocks_put_far(const void *block, uint64_t value) {
    for (int which = 0; which < BLOCKS_FARS; which++) {
        int fars = atomic_load_explicit(&blocks_fars, memory_order_relaxed);

        if (blocks_put(blocks_far(block, which), BLOCKS_FAR, (uintptr_t)block, value)) {
            /* Relaxed: whoever frees this block has been told of it by a release of its
             * own. */
            while (fars <= which &&
                    !atomic_compare_exchange_weak_explicit(&blocks_fars, &fars, which + 1,
                            memory_order_relaxed, memory_order_relaxed)) {
            }
            return true;
        }
    }
    return false;
}

void prof__blocks_insert_far(const void *block, uint64_t value) {
    if (!blocks_put(blocks_near(block), BLOCKS_NEAR, (uintptr_t)block, value) &&
            !blocks_put_far(block, value)) {
        prof__area_lose(PROF_LOSS_BLOCKS);
        return;
    }
    if (!prof__blocks.is_all) {
        blocks_filter_add(block, 1);
    }
}

/* A slot without the file system behind it holds nothing, nor does one behind it. */
static uint64_t blocks_take(prof_block *window, int length, uintptr_t address) {
    for (prof_block *slot = window; slot < window + length && prof__area_has(slot);
            slot++) {
        if (atomic_load_explicit(&slot->address, memory_order_relaxed) == address) {
            uint64_t value = atomic_load_explicit(&slot->value, memory_order_relaxed);

            atomic_store_explicit(&slot->value, 0, memory_order_relaxed);
            /* Pairs with the next owner's exchange: it must not find the old value later.
             */
            atomic_store_explicit(&slot->address, 0, memory_order_release);
            return value;
        }
    }
    return 0;
}

uint64_t prof__blocks_remove_far(const void *block) {
    uintptr_t address = (uintptr_t)block;
    uint64_t value = blocks_take(blocks_near(block), BLOCKS_NEAR, address);
    int fars = atomic_load_explicit(&blocks_fars, memory_order_relaxed);

    for (int which = 0; which < fars && value == 0; which++) {
        value = blocks_take(blocks_far(block, which), BLOCKS_FAR, address);
    }
    if (value != 0 && !prof__blocks.is_all) {
        blocks_filter_add(block, -1);
    }
    return value;
}
