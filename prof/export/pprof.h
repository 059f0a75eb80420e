/* SPDX-License-Identifier: MIT */
/* pprof.h - the profile as profile.proto, for `go tool pprof` and its kin: all names,
 * lines and inlined calls are inside, so that it opens without the program. */
#ifndef BELAY_PROF_PPROF_H
#define BELAY_PROF_PPROF_H

#include <stdbool.h>
#include <stdio.h>

#include "../resolve/profile.h"
#include "joint.h"

/* Writes it, compressed. Live blocks that are Belay objects are samples of their own with
 * a label `belay_type`; what was allocated stands with the others, so that sums are what
 * they are without labels. `joint`, when not NULL, is a Go heap profile to put beside it;
 * each sample then has a label `heap`, C or Go. False: out of memory (the caller checks
 * `out` for write errors). */
bool prof__pprof_write(FILE *out, const prof_profile *profile, const prof_joint *joint);

#endif
