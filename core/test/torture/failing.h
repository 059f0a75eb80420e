/* SPDX-License-Identifier: MIT */
/* failing.h - system calls and allocations that fail on request.
 *
 * The linker leads the core's calls here (-Wl,--wrap). They are counted over all threads;
 * while failing_arm is in force, the n-th fails, or the n-th and all after it. */
#ifndef BELAY_TEST_FAILING_H
#define BELAY_TEST_FAILING_H

#include <stdbool.h>

/* From now on. nth: 1 is the next call. */
void failing_arm(int nth, bool for_good);

/* Lets everything succeed again. Returns how many calls failed. */
int failing_disarm(void);

/* The name of the first call that failed, or "none". */
const char *failing_first(void);

#endif
