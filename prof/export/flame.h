/* SPDX-License-Identifier: MIT */
/* flame.h - a flame graph in one SVG file: click to zoom, type to search, no other file.
 */
#ifndef BELAY_PROF_FLAME_H
#define BELAY_PROF_FLAME_H

#include <stdbool.h>
#include <stdio.h>

#include "../resolve/profile.h"

/* Writes the graph of one PROF_VALUE_*. `title` is shown at its head. False: out of
 * memory. */
bool prof__flame_write(
        FILE *out, const prof_profile *profile, int value, const char *title);

#endif
