/* SPDX-License-Identifier: MIT */
/* load.h - from what the user named (a file, a process) to a profile. */
#ifndef BELAY_PROF_LOAD_H
#define BELAY_PROF_LOAD_H

#include <stdbool.h>

#include "../resolve/profile.h"

/* Loads the trace file `what`, or that of the process whose number it is. False: a line
 * on stderr says why, nothing to free. */
bool prof__load_profile(const char *what, prof_profile *out_profile);

#endif
