/* SPDX-License-Identifier: MIT */
/* lock.h - mutexes and condition variables, replaceable by the explorer's.
 *
 * A lock is held for a few instructions and never while anything of the user's runs. */
#ifndef BELAY__LOCK_H
#define BELAY__LOCK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef BELAY__EXPLORE

typedef struct belay__lock {
    int held;
} belay__lock;

typedef struct belay__signal {
    int generation;
} belay__signal;

#define BELAY__LOCK_INIT {0}
#define BELAY__SIGNAL_INIT {0}

void belay__lock_take(belay__lock *lock);
void belay__lock_drop(belay__lock *lock);
void belay__signal_wait(belay__signal *signal, belay__lock *lock);
bool belay__signal_wait_until(
        belay__signal *signal, belay__lock *lock, uint64_t deadline_ms);
void belay__signal_wake(belay__signal *signal);

#else

#include <pthread.h>

typedef struct belay__lock {
    pthread_mutex_t mutex;
} belay__lock;

typedef struct belay__signal {
    pthread_cond_t condition;
} belay__signal;

#define BELAY__LOCK_INIT {PTHREAD_MUTEX_INITIALIZER}
#define BELAY__SIGNAL_INIT {PTHREAD_COND_INITIALIZER}

static inline void belay__lock_take(belay__lock *lock) {
    pthread_mutex_lock(&lock->mutex);
}

static inline void belay__lock_drop(belay__lock *lock) {
    pthread_mutex_unlock(&lock->mutex);
}

static inline void belay__signal_wait(belay__signal *signal, belay__lock *lock) {
    pthread_cond_wait(&signal->condition, &lock->mutex);
}

/* Waits at most until the deadline (belay__now_ms). False: it passed. */
bool belay__signal_wait_until(
        belay__signal *signal, belay__lock *lock, uint64_t deadline_ms);

/* Wakes everyone who waits. */
static inline void belay__signal_wake(belay__signal *signal) {
    pthread_cond_broadcast(&signal->condition);
}

#endif

/* The locks of things that are too many for one each. A fork takes all of them, and
 * ThreadSanitizer ends a program that holds more than 64. */
#ifndef __has_feature
#define BELAY__HAS_TSAN 0
#else
#define BELAY__HAS_TSAN __has_feature(thread_sanitizer)
#endif
#if defined(__SANITIZE_THREAD__) || BELAY__HAS_TSAN
#define BELAY__STRIPES 16u
#define BELAY__TIMES_STRIPES BELAY__TIMES_16
#else
#define BELAY__STRIPES 64u
#define BELAY__TIMES_STRIPES BELAY__TIMES_64
#endif

/* The initialisers of an array's locks: not everywhere is a lock of zeros a good one. */
#define BELAY__TIMES_4(...) __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define BELAY__TIMES_16(...) BELAY__TIMES_4(BELAY__TIMES_4(__VA_ARGS__))
#define BELAY__TIMES_64(...) BELAY__TIMES_4(BELAY__TIMES_16(__VA_ARGS__))

#endif
