/* SPDX-License-Identifier: MIT */
/* exercise.h - reads any bytes as a ledger and shows them in every way. */
#ifndef TOP_TEST_EXERCISE_H
#define TOP_TEST_EXERCISE_H

#include <stddef.h>

/* Ends the program when the text holds a control character, or the JSON is none. The
 * sanitizers watch the rest. Returns 1 if the bytes were read as a ledger. */
int exercise_ledger(const unsigned char *bytes, size_t size);

#endif
