/* SPDX-License-Identifier: MIT */
/* screen.h - a text shown on a terminal in place of the one before. */
#ifndef TOP_SCREEN_H
#define TOP_SCREEN_H

#include <stddef.h>
#include <stdio.h>

/* Writes the lines that fit on the terminal, cut to its width, over what is there.
 * Rows and columns of 0 mean 24 and 80. */
void top_screen_show(FILE *terminal, const char *text, size_t rows, size_t columns);

/* Asks the terminal for its size; 0 when it does not say. */
void top_screen_size(FILE *terminal, size_t *out_rows, size_t *out_columns);

#endif
