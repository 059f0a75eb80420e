/* SPDX-License-Identifier: MIT */
/* folded.h - one line a stack, root first, as flame graph tools read it. */
#ifndef BELAY_PROF_FOLDED_H
#define BELAY_PROF_FOLDED_H

#include <stdio.h>

#include "../resolve/profile.h"

/* Writes `root;...;leaf VALUE` for every sample whose PROF_VALUE_* `value` is not 0. */
void prof__folded_write(FILE *out, const prof_profile *profile, int value);

#endif
