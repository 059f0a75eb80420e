/* SPDX-License-Identifier: MIT */
/* plugin.c - a library that is opened, used once and closed; built twice under two names
 * with code of different shapes, which the loader maps at the same address. */
#include <stdlib.h>

void *PLUGIN_NAME(size_t size);

#ifdef PLUGIN_WIDE
__attribute__((noinline)) static void *PLUGIN_INNER(size_t size) {
    volatile char room[200];
    void *block;

    room[0] = (char)size;
    block = malloc(size);
    room[1] = room[0];
    return block;
}
#else
__attribute__((noinline)) static void *PLUGIN_INNER(size_t size) {
    void *block = malloc(size);

    __asm__ volatile("" : : "r"(block) : "memory");
    return block;
}
#endif

void *PLUGIN_NAME(size_t size) {
    void *block = PLUGIN_INNER(size);

    __asm__ volatile("" : : "r"(block) : "memory");
    return block;
}
