/* SPDX-License-Identifier: MIT */
/* text.h - a listing as tables for people. */
#ifndef TOP_VIEW_TEXT_H
#define TOP_VIEW_TEXT_H

#include <stdio.h>

#include "view/listing.h"

/* Writes the program and its state, the counters, what is open, and the last reports.
 * source_name is where the ledger was read from. */
void top_text_print(FILE *file, const top_listing *listing, const char *source_name);

#endif
