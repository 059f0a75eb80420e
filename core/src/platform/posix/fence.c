/* SPDX-License-Identifier: MIT */
/* fence.c - this system has none; who asks does without. */
#include "../../platform.h"

bool belay__fence_prepare(void) {
    return false;
}

bool belay__fence_others(void) {
    return false;
}
