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

uint64_t chain_churn(long pairs) {
    struct timespec start, end;
    uint64_t random = 88172645463325252ULL;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    for (long i = 0; i < pairs; i++) {
        size_t at;

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        at = random % RING;
        free(ring[at]);
        ring[at] = first(16 + (random >> 40) % 1024);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return (uint64_t)(end.tv_sec - start.tv_sec) * 1000000000u +
           (uint64_t)(end.tv_nsec - start.tv_nsec);
}

void chain_leak(long count) {
    for (long i = 0; i < count; i++) {
        keep(first(1000));
    }
}
