/* SPDX-License-Identifier: MIT */
/* threads.h - what each thread of the profiled process keeps for itself.
 *
 *   get (first allocation of a thread) -> ... -> retire (thread exit)
 *
 * A thread's state is its own: no lock and no shared cache line on the path of an
 * allocation. States are mapped, not allocated, and reused by later threads. */
#ifndef BELAY_PROF_THREADS_H
#define BELAY_PROF_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#include "../trace/trace.h"
#include "cfi.h"
#include "memo.h"

enum {
    PROF_RULES = 4096 /* cached rules a thread; direct mapped */
};

typedef struct prof_cached_rule {
    uint64_t pc;
    uint32_t module; /* prof_module_code.number */
    prof_rule rule;
} prof_cached_rule;

typedef struct prof_thread {
    struct prof_thread *next; /* of the free states */
    uint64_t stack_high;      /* no frame of this thread lies above */
    uint64_t random;
    uint64_t rules_unloads;
    prof_lane *lane; /* in the trace file; slot i counts for memo i */
    prof_cached_rule rules[PROF_RULES];
    _Alignas(64) prof_memo memos[PROF_LANE_SLOTS];
    uint64_t frames[PROF_FRAMES_MAX];
} prof_thread;

/* The thread-local part. `left` is what the hooks look at first. */
typedef struct prof_local {
    uint64_t left;       /* bytes until the next sample; 0: look closer */
    prof_thread *thread; /* NULL until the first look */
    int is_busy;         /* inside the profiler: a handler's allocation must not enter */
    int is_refused;      /* no room for this thread */
} prof_local;

/* Initial-exec: the general model may allocate inside malloc. */
extern _Thread_local prof_local prof__local __attribute__((tls_model("initial-exec")));

/* Prepares for threads to come. Called once. */
void prof__threads_init(void);

/* In a forked child: the other threads' states are gone. */
void prof__threads_forget(void);

/* Returns the state of this thread, made if need be; NULL (and counted) without room. */
prof_thread *prof__threads_get(void);

/* Adds what a lane slot has counted to its stack and empties it. */
void prof__threads_flush(prof_lane_slot *slot);

/* 64 random bits. */
uint64_t prof__threads_random(prof_thread *thread);

#endif
