/* SPDX-License-Identifier: MIT */
/* fence.c - membarrier(2): one thread pays for the fence that all others leave out. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../../platform.h"

#include <sys/syscall.h>
#include <unistd.h>

/* From linux/membarrier.h, which musl does not bring. */
#define FENCE_PRIVATE_EXPEDITED 8
#define FENCE_REGISTER_PRIVATE_EXPEDITED 16

#ifdef SYS_membarrier

bool belay__fence_prepare(void) {
    return syscall(SYS_membarrier, FENCE_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

bool belay__fence_others(void) {
    return syscall(SYS_membarrier, FENCE_PRIVATE_EXPEDITED, 0, 0) == 0;
}

#else

bool belay__fence_prepare(void) {
    return false;
}

bool belay__fence_others(void) {
    return false;
}

#endif
