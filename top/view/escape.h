/* SPDX-License-Identifier: MIT */
/* escape.h - texts of a ledger made harmless: they may hold anything. */
#ifndef TOP_VIEW_ESCAPE_H
#define TOP_VIEW_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/* Room that any text of a ledger needs once escaped, with the 0. */
#define TOP_ESCAPE_BYTES 1280

/* Copies `text` for a terminal: control characters, backslashes, bytes that are not UTF-8
 * and characters that are invisible or turn the direction of text become \n, \x1b,
 * \u202e. Cuts at whole characters when the room ends. Returns the bytes written, without
 * the 0. */
size_t top_escape_text(char *out_text, size_t text_bytes, const char *text);

/* Returns how many characters, one column each, an escaped text has. */
size_t top_escape_width(const char *text);

/* Writes `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
 */
void top_escape_json(FILE *file, const char *text);

#endif
