/* SPDX-License-Identifier: MIT */
#include "stacks.h"

#include <string.h>

#include "area.h"

enum { STACKS_PROBES = 64 };

void prof__stacks_init(void) {
    prof_stack *lost = &prof__area.stacks[0];

    if (prof__area_back(lost, sizeof *lost)) {
        lost->flags = PROF_STACK_LOST;
        atomic_store_explicit(&lost->hash, 1, memory_order_relaxed);
    }
}

/* Gives the stack its frames; whoever claimed the record does this, once. */
static void stacks_fill(
        prof_stack *stack, const uint64_t *frames, uint32_t count, uint32_t flags) {
    prof_trace_header *header = prof__area.header;
    uint64_t at =
            atomic_fetch_add_explicit(&header->frames_used, count, memory_order_relaxed);

    stack->epoch =
            (uint32_t)atomic_load_explicit(&header->modules_used, memory_order_acquire);
    stack->flags = flags;
    if (at + count > header->frames.count ||
            !prof__area_back(prof__area.frames + at, count * sizeof *frames)) {
        stack->flags |= PROF_STACK_LOST;
        prof__area_lose(PROF_LOSS_STACKS);
        return;
    }
    stack->frames_at = (uint32_t)at;
    memcpy(prof__area.frames + at, frames, count * sizeof *frames);
    /* Pairs with the reader's acquire load. */
    atomic_store_explicit(&stack->frame_count, count, memory_order_release);
}

uint32_t prof__stacks_intern(
        uint64_t hash, const uint64_t *frames, uint32_t count, uint32_t flags) {
    uint64_t mask = prof__area.header->stacks.count - 1;

    hash = hash > 1 ? hash : hash + 2; /* 0 is free, 1 is the lost stack */

    for (uint64_t i = 0, at = hash >> 20 & mask; i < STACKS_PROBES;
            i++, at = (at + 1) & mask) {
        prof_stack *stack = &prof__area.stacks[at];
        uint64_t old;

        if (!prof__area_back(stack, sizeof *stack)) {
            break;
        }
        old = atomic_load_explicit(&stack->hash, memory_order_relaxed);
        if (old == 0 && atomic_compare_exchange_strong_explicit(&stack->hash, &old, hash,
                                memory_order_relaxed, memory_order_relaxed)) {
            stacks_fill(stack, frames, count, flags);
            return (uint32_t)at;
        }
        if (old == hash) {
            return (uint32_t)at;
        }
    }
    prof__area_lose(PROF_LOSS_STACKS);
    return 0;
}

void prof__stacks_add(
        uint32_t stack, uint64_t count_q16, uint64_t bytes, uint64_t samples) {
    prof_stack *into = &prof__area.stacks[stack];

    /* Relaxed: sums, read by nobody in this process. */
    atomic_fetch_add_explicit(&into->count_q16, count_q16, memory_order_relaxed);
    atomic_fetch_add_explicit(&into->bytes, bytes, memory_order_relaxed);
    if (samples) {
        atomic_fetch_add_explicit(&into->samples, samples, memory_order_relaxed);
    }
}
