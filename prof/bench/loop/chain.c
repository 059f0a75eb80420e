/* SPDX-License-Identifier: MIT */
#include "chain.h"

#include <stdlib.h>
#include <time.h>

enum { RING = 4096 };

#define STEP __attribute__((noinline))

static void *ring[RING];

static void keep(const void *p) {
    __asm__ volatile("" : : "r"(p) : "memory");
}

STEP static void *fifth(size_t size) {
    void *block = malloc(size);

    keep(block);
    return block;
}

#define LINK(name, next)                                                                 \
    STEP static void *name(size_t size) {                                                \
        void *block = next(size);                                                        \
                                                                                         \
        keep(block);                                                                     \
        return block;                                                                    \
    }

LINK(fourth, fifth)
LINK(third, fourth)
LINK(second, third)
LINK(first, second)

static uint64_t now(clockid_t clock) {
    struct timespec time;

    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t chain_churn(long pairs, uint64_t *out_elapsed) {
    uint64_t random = 88172645463325252ULL, used = now(CLOCK_THREAD_CPUTIME_ID);
    uint64_t elapsed = now(CLOCK_MONOTONIC);

    for (long i = 0; i < pairs; i++) {
        size_t at;

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        at = random % RING;
        free(ring[at]);
        ring[at] = first(16 + (random >> 40) % 1024);
    }
    *out_elapsed = now(CLOCK_MONOTONIC) - elapsed;
    return now(CLOCK_THREAD_CPUTIME_ID) - used;
}

void chain_leak(long count) {
    for (long i = 0; i < count; i++) {
        keep(first(1000));
    }
}
