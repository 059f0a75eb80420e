/* SPDX-License-Identifier: MIT */
/* growth.h - what changed between two profiles, site by site: the leak candidates. */
#ifndef BELAY_PROF_GROWTH_H
#define BELAY_PROF_GROWTH_H

#include <stdbool.h>
#include <stdio.h>

#include "../resolve/profile.h"

/* Writes the sites whose live bytes differ, most growth first, `rows` of them. False: out
 * of memory. */
bool prof__growth_write(
        FILE *out, const prof_profile *before, const prof_profile *after, size_t rows);

#endif
