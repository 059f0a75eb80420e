/* SPDX-License-Identifier: MIT */
#include "recorder.h"

#include "../trace/weight.h"
#include "allocator.h"
#include "area.h"
#include "blocks.h"
#include "stacks.h"
#include "start.h"

enum { RECORDER_IDLE, RECORDER_WAITING, RECORDER_ON, RECORDER_OFF };

/* How many bytes a thread allocates before it looks again whether to record. */
enum { RECORDER_LOOK_BYTES = 1 << 20 };

static _Atomic int recorder_state = RECORDER_IDLE;
static uint64_t recorder_period = 1;

void prof__recorder_start(uint64_t period_bytes) {
    recorder_period = period_bytes;
    prof__stacks_init();
    prof__blocks_init(period_bytes == 1);
    atomic_store_explicit(&recorder_state, RECORDER_ON, memory_order_release);
}

void prof__recorder_wait(void) {
    atomic_store_explicit(&recorder_state, RECORDER_WAITING, memory_order_release);
    prof__blocks_stop();
}

void prof__recorder_stop(void) {
    atomic_store_explicit(&recorder_state, RECORDER_OFF, memory_order_release);
    prof__blocks_stop();
}

/* True when this thread may record now; leaves is_busy set then. */
static bool recorder_enter(void) {
    /* Acquire pairs with the release in start: the tables are ready. */
    if (atomic_load_explicit(&recorder_state, memory_order_acquire) != RECORDER_ON) {
        return false;
    }
    if (prof__local.is_busy) {
        prof__area_lose(PROF_LOSS_NESTED);
        return false;
    }
    prof__local.is_busy = 1;
    atomic_signal_fence(memory_order_seq_cst);
    return true;
}

static void recorder_leave(void) {
    atomic_signal_fence(memory_order_seq_cst);
    prof__local.is_busy = 0;
}

/* Notes one block that is due. The weight is that of its size: 1 when all are recorded.
 */
static void recorder_note(prof_thread *thread, const void *block, size_t size,
        const prof_origin *origin, bool is_mapping) {
    int slot;
    uint32_t stack;

    prof__blocks_expect(block); /* arrives while the walk is made */
    stack = prof__walk_stack(thread, origin, &slot);
    if (is_mapping && prof__walk_is_runtime(stack)) {
        return;
    }
    if (recorder_period == 1 && slot >= 0) {
        thread->lane->slots[slot].count++;
        thread->lane->slots[slot].bytes += size;
    } else {
        double weight = prof__weight_of(size, recorder_period);

        prof__stacks_add(stack,
                (uint64_t)(weight * (1 << PROF_COUNT_FRACTION_BITS) + 0.5),
                (uint64_t)(weight * (double)size + 0.5), recorder_period != 1);
    }
    prof__blocks_insert(block, stack, size);
}

/* What `left` becomes for a thread that does not record. */
static uint64_t recorder_left(void) {
    int state = atomic_load_explicit(&recorder_state, memory_order_relaxed);

    return state == RECORDER_OFF       ? UINT64_MAX
           : state == RECORDER_WAITING ? RECORDER_LOOK_BYTES
                                       : 0;
}

static void recorder_look(
        const void *block, size_t size, const prof_origin *origin, bool is_mapping) {
    prof_local *local = &prof__local;
    prof_thread *thread;

    if (!recorder_enter()) {
        if (!local->is_busy) {
            prof__start_try();
            local->left = recorder_left();
        }
        return;
    }
    if (!local->thread) {
        local->left = 0; /* what is left of the waiting time before the start */
    }
    thread = prof__threads_get();
    if (!thread) {
        prof__area_lose(PROF_LOSS_THREADS);
    } else if (recorder_period == 1) {
        recorder_note(thread, block, size, origin, is_mapping);
    } else {
        if (local->left == 0) { /* the first look of this thread: draw, then ask again */
            local->left = prof__weight_gap(prof__threads_random(thread), recorder_period);
        }
        if (size >= local->left) {
            recorder_note(thread, block, size, origin, is_mapping);
            local->left = prof__weight_gap(prof__threads_random(thread), recorder_period);
        } else {
            local->left -= size;
        }
    }
    recorder_leave();
}

void prof__recorder_allocated(const void *block, size_t size, const prof_origin *origin) {
    recorder_look(block, size, origin, false);
}

void prof__recorder_mapped(const void *block, size_t size, const prof_origin *origin) {
    recorder_look(block, size, origin, true);
}

bool prof__recorder_freed(const void *block, uint32_t *out_stack, size_t *out_size) {
    bool is_known;

    if (!recorder_enter()) {
        return false;
    }
    __builtin_prefetch((const char *)block - 16, 1); /* the allocator's turn is next */
    is_known = prof__blocks_remove(block, out_stack, out_size);
    recorder_leave();
    return is_known;
}

void prof__recorder_restore(const void *block, uint32_t stack, size_t size) {
    if (recorder_enter()) {
        prof__blocks_insert(block, stack, size);
        recorder_leave();
    }
}
