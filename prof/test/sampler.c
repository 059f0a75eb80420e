/* SPDX-License-Identifier: MIT */
/* sampler.c - allocates known numbers of blocks of known sizes, one function a size, and
 * frees every second one. The sampler's estimates are compared with that. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SITES(X)                                                                         \
    X(16, 500000)                                                                        \
    X(100, 80000)                                                                        \
    X(700, 12000)                                                                        \
    X(3000, 4000)                                                                        \
    X(9000, 2000)                                                                        \
    X(25000, 1000)                                                                       \
    X(60000, 800)

#define X(size, count)                                                                   \
    __attribute__((noinline)) static void *site_##size(void) {                           \
        void *block = malloc(size);                                                      \
                                                                                         \
        __asm__ volatile("" : : "r"(block) : "memory");                                  \
        return block;                                                                    \
    }
SITES(X)
#undef X

int main(void) {
#define X(size, count)                                                                   \
    for (int i = 0; i < count; i++) {                                                    \
        void *block = site_##size();                                                     \
                                                                                         \
        if (i % 2) {                                                                     \
            free(block);                                                                 \
        }                                                                                \
    }                                                                                    \
    printf("site_%d\t%d\t%d\t%d\n", size, size, count, count / 2);
    SITES(X)
#undef X
    return 0;
}
