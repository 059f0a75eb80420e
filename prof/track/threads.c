/* SPDX-License-Identifier: MIT */
#include "threads.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arch.h"
#include "area.h"
#include "stacks.h"

extern void *__libc_stack_end;

_Thread_local prof_local prof__local = {0};

static pthread_key_t threads_key = 0;
static _Atomic int threads_lock = 0;
static prof_thread *threads_free = NULL;

static void threads_acquire(void) {
    while (atomic_exchange_explicit(&threads_lock, 1, memory_order_acquire)) {
        syscall(SYS_sched_yield);
    }
}

static void threads_release(void) {
    atomic_store_explicit(&threads_lock, 0, memory_order_release);
}

void prof__threads_flush(prof_lane_slot *slot) {
    uint64_t count = slot->count, bytes = slot->bytes;

    if (count) {
        slot->count = 0;
        slot->bytes = 0;
        prof__stacks_add(slot->stack, count << PROF_COUNT_FRACTION_BITS, bytes, 0);
    }
}

/* The destructor of threads_key: the thread is about to end. */
static void threads_retire(void *argument) {
    prof_thread *thread = argument;

    prof__local.is_busy++;
    prof__local.thread = NULL;
    prof__local.left = 0;
    for (int i = 0; i < PROF_LANE_SLOTS; i++) {
        prof__threads_flush(&thread->lane->slots[i]);
        thread->memos[i].group_count = 0;
    }
    /* Pairs with the claim in threads_claim_lane. */
    atomic_store_explicit(&thread->lane->owner, 0, memory_order_release);
    threads_acquire();
    thread->next = threads_free;
    threads_free = thread;
    threads_release();
    prof__local.is_busy--;
}

void prof__threads_init(void) {
    pthread_key_create(&threads_key, threads_retire);
}

void prof__threads_forget(void) {
    threads_free = NULL;
    atomic_store_explicit(&threads_lock, 0, memory_order_relaxed);
}

static prof_lane *threads_claim_lane(void) {
    uint32_t id = (uint32_t)syscall(SYS_gettid);

    for (int i = 0; i < PROF_LANES_MAX; i++) {
        prof_lane *lane = &prof__area.lanes[i];
        uint32_t free_owner = 0;

        if (!prof__area_back(lane, sizeof *lane)) {
            return NULL;
        }
        if (atomic_compare_exchange_strong_explicit(&lane->owner, &free_owner, id,
                    memory_order_acquire, memory_order_relaxed)) {
            return lane;
        }
    }
    return NULL;
}

static uint64_t threads_stack_high(void) {
    if (getpid() == (pid_t)syscall(SYS_gettid)) {
        return (uintptr_t)__libc_stack_end;
    }
    /* glibc puts the thread's descriptor at the high end of its stack. */
    return prof__arch_thread_pointer();
}

static prof_thread *threads_take_state(void) {
    prof_thread *thread;
    int saved_errno = errno;

    threads_acquire();
    thread = threads_free;
    if (thread) {
        threads_free = thread->next;
    }
    threads_release();
    if (!thread) {
        /* Not mmap: that is our hook, and this no mapping of the program's. */
        thread = (void *)syscall(SYS_mmap, NULL, sizeof *thread, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        errno = saved_errno;
    }
    return thread == MAP_FAILED ? NULL : thread;
}

prof_thread *prof__threads_get(void) {
    prof_thread *thread = prof__local.thread;
    struct timespec now;

    if (thread || prof__local.is_refused) {
        return thread;
    }
    thread = threads_take_state();
    if (thread && !(thread->lane = threads_claim_lane())) {
        threads_acquire();
        thread->next = threads_free;
        threads_free = thread;
        threads_release();
        thread = NULL;
    }
    if (!thread) {
        prof__local.is_refused = 1;
        return NULL;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    thread->random = (uint64_t)now.tv_nsec * 0x9E3779B97F4A7C15ULL ^ (uintptr_t)thread ^
                     (uint64_t)now.tv_sec << 32 ^ (uint64_t)syscall(SYS_gettid);
    thread->stack_high = threads_stack_high();
    prof__local.thread = thread;
    pthread_setspecific(threads_key, thread);
    return thread;
}

uint64_t prof__threads_random(prof_thread *thread) {
    /* splitmix64 */
    uint64_t z = thread->random += 0x9E3779B97F4A7C15ULL;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}
