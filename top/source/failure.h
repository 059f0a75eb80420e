/* SPDX-License-Identifier: MIT */
/* failure.h - why something could not be done, in one line for people: what, where, what
 * to do. */
#ifndef TOP_SOURCE_FAILURE_H
#define TOP_SOURCE_FAILURE_H

#include <stdbool.h>

typedef struct top_failure {
    char text[1024]; /* no line feed at the end */
} top_failure;

/* Writes the text, cut to its room. Always false, so that a function can return it. */
__attribute__((format(printf, 2, 3))) bool top_failure_set(
        top_failure *failure, const char *format, ...);

#endif
