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
    prof__extents_init(period_bytes);
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

/* What `left` becomes for a thread that does not record. */
static uint64_t recorder_left(void) {
    int state = atomic_load_explicit(&recorder_state, memory_order_relaxed);

    return state == RECORDER_OFF       ? UINT64_MAX
           : state == RECORDER_WAITING ? RECORDER_LOOK_BYTES
                                       : 0;
}

/* Why nothing is recorded: not started yet, stopped, or inside the profiler. */
static __attribute__((noinline)) void recorder_refuse(void) {
    if (!prof__local.is_busy) {
        prof__start_try();
        prof__local.left = recorder_left();
    }
}

/* The state of this thread, if an allocation of `size` is due. */
static __attribute__((noinline)) prof_thread *recorder_sample(size_t size) {
    prof_local *local = &prof__local;
    prof_thread *thread;

    if (!local->thread) {
        local->left = 0; /* what is left of the waiting time before the start */
    }
    thread = prof__threads_get();
    if (!thread) {
        prof__area_lose(PROF_LOSS_THREADS);
        return NULL;
    }
    if (recorder_period == 1) {
        return thread;
    }
    if (local->left == 0) { /* the first look of this thread: draw, then ask again */
        local->left = prof__weight_gap(prof__threads_random(thread), recorder_period);
    }
    if (size < local->left) {
        local->left -= size;
        return NULL;
    }
    local->left = prof__weight_gap(prof__threads_random(thread), recorder_period);
    return thread;
}

/* The same, without a draw when every allocation is recorded. */
static inline prof_thread *recorder_due(size_t size) {
    prof_thread *thread = prof__local.thread;

    return thread && recorder_period == 1 ? thread : recorder_sample(size);
}

/* Enters the recorder when an allocation of `size` is due; else returns NULL. */
static inline prof_thread *recorder_enter_due(size_t size) {
    prof_thread *thread;

    if (!recorder_enter()) {
        recorder_refuse();
        return NULL;
    }
    thread = recorder_due(size);
    if (!thread) {
        recorder_leave();
    }
    return thread;
}

/* Counts a sample by the weight of its size. */
static __attribute__((noinline)) void recorder_weigh(uint32_t stack, size_t size) {
    double weight = prof__weight_of(size, recorder_period);

    prof__stacks_add(stack, (uint64_t)(weight * (1 << PROF_COUNT_FRACTION_BITS) + 0.5),
            (uint64_t)(weight * (double)size + 0.5), 1);
}

static inline void recorder_note(const void *block, size_t size, const prof_memo *memo) {
    if (recorder_period == 1) {
        memo->slot->count++;
        memo->slot->bytes += size;
    } else {
        recorder_weigh(memo->stack, size);
    }
    prof__blocks_insert(block, prof__blocks_value(memo->stack, size));
}

void prof__recorder_allocated(const void *block, size_t size, const prof_origin *origin) {
    prof_thread *thread = recorder_enter_due(size);

    if (thread) {
        prof__blocks_expect(block); /* arrives while the walk is made */
        recorder_note(block, size, prof__walk_stack(thread, origin));
        recorder_leave();
    }
}

bool prof__recorder_follows(const void *address) {
    bool has = false;

    if (recorder_enter()) {
        has = prof__extents_has((uintptr_t)address);
        recorder_leave();
    }
    return has;
}

/* Adds a mapping, and notes it if it is due. */
static void recorder_follow(
        prof_pages pages, prof_thread *thread, const prof_origin *origin) {
    const prof_memo *memo = thread ? prof__walk_stack(thread, origin) : NULL;
    bool is_noted = memo && !prof__walk_is_runtime(memo->stack);

    if (prof__extents_add(pages, is_noted) && is_noted) {
        recorder_note((const void *)pages.start, pages.bytes, memo);
    }
}

void prof__recorder_remapped(
        const prof_remap *remap, size_t minimum, const prof_origin *origin) {
    prof_thread *thread;

    if (!recorder_enter()) {
        recorder_refuse();
        return;
    }
    thread = recorder_period == 1 ? NULL : prof__threads_get();
    prof__extents_cut(
            remap->gone, remap->newest, thread ? prof__threads_random(thread) : 0);
    prof__extents_cut(
            remap->fresh, UINT64_MAX, thread ? prof__threads_random(thread) : 0);
    if (remap->is_followed) {
        bool is_due = remap->fresh.bytes >= minimum;

        recorder_follow(
                remap->fresh, is_due ? recorder_due(remap->fresh.bytes) : NULL, origin);
    }
    recorder_leave();
}

uint64_t prof__recorder_freed(const void *block) {
    uint64_t value;

    if (!recorder_enter()) {
        return 0;
    }
    __builtin_prefetch((const char *)block - 16, 1); /* the allocator's turn is next */
    value = prof__blocks_remove(block);
    recorder_leave();
    return value;
}

void prof__recorder_restore(const void *block, uint64_t value) {
    if (recorder_enter()) {
        prof__blocks_insert(block, value);
        recorder_leave();
    }
}
