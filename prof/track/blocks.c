/* SPDX-License-Identifier: MIT */
/* Design: open addressing in two windows.
 *
 * The first window of a block starts where its address says: neighbours on the heap are
 * neighbours in the table, so the table touches few pages and few cache lines. Each 64
 * MiB of addresses is shifted by a hash of its number, because thread arenas start at the
 * same offsets. 32 bytes a slot: no allocator hands out two blocks closer than that, but
 * for tiny size classes, which then share the window. A full window sends the block to a
 * second one at a hashed place; when that is full too, the block is lost and counted.
 * Removal clears the slot: no tombstones, because a lookup always looks at the whole
 * window. */
#include "blocks.h"

#include "allocator.h"
#include "area.h"

enum { BLOCKS_NEAR = 16, BLOCKS_FAR = 32 };

#define BLOCKS_MIX 0x9E3779B97F4A7C15ULL

_Atomic uint8_t prof__filter[PROF_FILTER_BYTES] = {0};

static _Atomic bool blocks_has_far = false; /* a second window was ever used */

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

static prof_block *blocks_near(uintptr_t address) {
    uint64_t room = prof__area.header->blocks.count - BLOCKS_FAR;
    uint64_t arena = (address >> 26) * BLOCKS_MIX;

    return prof__area.blocks + (((address >> 5) + (arena >> 20)) & (room - 1));
}

void prof__blocks_expect(const void *block) {
    __builtin_prefetch(blocks_near((uintptr_t)block), 1);
}

static prof_block *blocks_far(uintptr_t address) {
    uint64_t room = prof__area.header->blocks.count - BLOCKS_FAR;

    return prof__area.blocks + ((address * BLOCKS_MIX) >> 20 & (room - 1));
}

static bool blocks_put(
        prof_block *window, int length, uintptr_t address, uint64_t value) {
    if (!prof__area_back(window, (size_t)length * sizeof *window)) {
        return false;
    }
    for (int i = 0; i < length; i++) {
        uint64_t old = atomic_load_explicit(&window[i].address, memory_order_relaxed);

        /* The same address: its free was not seen (a handler, another allocator's way).
         */
        if (old == address ||
                (old == 0 &&
                        atomic_compare_exchange_strong_explicit(&window[i].address, &old,
                                address, memory_order_relaxed, memory_order_relaxed))) {
            /* Pairs with the reader's acquire: a value means that the address stands. */
            atomic_store_explicit(&window[i].value, value, memory_order_release);
            return true;
        }
    }
    return false;
}

void prof__blocks_insert(const void *block, uint32_t stack, size_t size_bytes) {
    uintptr_t address = (uintptr_t)block;
    uint64_t size = size_bytes < PROF_SIZE_MAX ? size_bytes : PROF_SIZE_MAX;
    uint64_t value = (uint64_t)stack << (64 - PROF_STACK_BITS) | size;

    if (!blocks_put(blocks_near(address), BLOCKS_NEAR, address, value)) {
        if (!blocks_put(blocks_far(address), BLOCKS_FAR, address, value)) {
            prof__area_lose(PROF_LOSS_BLOCKS);
            return;
        }
        /* Relaxed: whoever frees this block has been told of it by a release of its own.
         */
        atomic_store_explicit(&blocks_has_far, true, memory_order_relaxed);
    }
    blocks_filter_add(block, 1);
}

static bool blocks_take(
        prof_block *window, int length, uintptr_t address, uint64_t *out_value) {
    if (!prof__area_back(window, (size_t)length * sizeof *window)) {
        return false;
    }
    for (int i = 0; i < length; i++) {
        if (atomic_load_explicit(&window[i].address, memory_order_relaxed) == address) {
            *out_value = atomic_load_explicit(&window[i].value, memory_order_relaxed);
            atomic_store_explicit(&window[i].value, 0, memory_order_relaxed);
            /* Pairs with the next owner's exchange: it must not find the old value later.
             */
            atomic_store_explicit(&window[i].address, 0, memory_order_release);
            return true;
        }
    }
    return false;
}

bool prof__blocks_remove(const void *block, uint32_t *out_stack, size_t *out_size_bytes) {
    uintptr_t address = (uintptr_t)block;
    uint64_t value;

    if (!blocks_take(blocks_near(address), BLOCKS_NEAR, address, &value) &&
            !(atomic_load_explicit(&blocks_has_far, memory_order_relaxed) &&
                    blocks_take(blocks_far(address), BLOCKS_FAR, address, &value))) {
        return false;
    }
    blocks_filter_add(block, -1);
    *out_stack = (uint32_t)(value >> (64 - PROF_STACK_BITS));
    *out_size_bytes = (size_t)(value & PROF_SIZE_MAX);
    return true;
}
