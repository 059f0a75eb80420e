/* SPDX-License-Identifier: MIT */
/* load.h - from what the user named (a file, a process) to a profile. */
#ifndef BELAY_PROF_LOAD_H
#define BELAY_PROF_LOAD_H

#include <stdbool.h>

#include "../resolve/profile.h"

/* Loads the trace file `what`, or that of the process whose number it is. With
 * `wants_types`, also the types of the Belay objects in `ledger`, a file or a process
 * number. NULL: the ledger that the process holds while it runs, if it has one; when that
 * can't be used, a line on stderr says so. False: a line on stderr says why, nothing to
 * free. */
bool prof__load_profile(const char *what, bool wants_types, const char *ledger,
        prof_profile *out_profile);

/* True when `path` is a regular file that begins as a trace does. */
bool prof__load_is_trace(const char *path);

#endif
