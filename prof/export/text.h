/* SPDX-License-Identifier: MIT */
/* text.h - the report that a person reads in a terminal. */
#ifndef BELAY_PROF_TEXT_H
#define BELAY_PROF_TEXT_H

#include <stdio.h>

#include "sites.h"

/* Writes the head and the tables of a profile, `rows` rows each. False: out of memory. */
bool prof__text_report(FILE *out, const prof_profile *profile, size_t rows);

/* Writes only the head and the first table, for a screen that is drawn again and again.
 */
bool prof__text_screen(FILE *out, const prof_profile *profile, size_t rows);

/* Writes one line a sample: the four values, TAB, frames from leaf to root separated by
 * blanks. For scripts. */
void prof__text_raw(FILE *out, const prof_profile *profile);

/* Formats bytes for people: "12.3 KiB". Returns `text`. */
const char *prof__text_bytes(double bytes, char text[24]);

#endif
