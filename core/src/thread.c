/* SPDX-License-Identifier: MIT */
/* thread.c - threads and clocks: what every POSIX system has alike. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "platform.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#define THREAD_STACK_BYTES ((size_t)1 << 20) /* destructors run there */

static uint64_t thread_clock(clockid_t clock) {
    struct timespec now = {0, 0};
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t belay__clock_mono_coarse_ns(void) {
#ifdef CLOCK_MONOTONIC_COARSE
    return thread_clock(CLOCK_MONOTONIC_COARSE);
#else
    return thread_clock(CLOCK_MONOTONIC);
#endif
}

uint64_t belay__clock_unix_ns(void) {
    return thread_clock(CLOCK_REALTIME);
}

bool belay__thread_start(void *(*run)(void *), void *data) {
    static const int own_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t blocked;
    sigset_t before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own_faults / sizeof own_faults[0]; i++) {
        sigdelset(&blocked, own_faults[i]);
    }
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    size_t stack_bytes = 0;
    pthread_attr_getstacksize(&attributes, &stack_bytes);
    if (stack_bytes < THREAD_STACK_BYTES) { /* musl: 128 KiB; macOS: 512 KiB */
        pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    }
    /* A thread inherits the mask, so it never runs with signals open. */
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    pthread_t thread;
    int result = pthread_create(&thread, &attributes, run, data);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return result == 0;
}

void belay__thread_pause(void) {
    sched_yield();
}

void belay__process_at_fork(
        void (*before)(void), void (*parent)(void), void (*child)(void)) {
    pthread_atfork(before, parent, child);
}
