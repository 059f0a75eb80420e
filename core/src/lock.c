/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "lock.h"

#ifndef BELAY__EXPLORE

#include <errno.h>
#include <time.h>

#include "ledger.h"

bool belay__signal_wait_until(
        belay__signal *signal, belay__lock *lock, uint64_t deadline_ms) {
    uint64_t now = belay__now_ms();
    if (deadline_ms == UINT64_MAX) {
        pthread_cond_wait(&signal->condition, &lock->mutex);
        return true;
    }
    if (now >= deadline_ms) {
        return false;
    }
    /* A statically made condition counts on the wall clock; a step of it ends the wait
     * early or late, so callers look at belay__now_ms again. */
    struct timespec until = {0, 0};
    clock_gettime(CLOCK_REALTIME, &until);
    uint64_t wait_ms = deadline_ms - now > 1000 ? 1000 : deadline_ms - now;
    uint64_t ns = (uint64_t)until.tv_nsec + wait_ms * 1000000;
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    int result = pthread_cond_timedwait(&signal->condition, &lock->mutex, &until);
    return result != ETIMEDOUT || belay__now_ms() < deadline_ms;
}

#endif
