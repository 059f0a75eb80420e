/* SPDX-License-Identifier: MIT */
/* failure.c - why something could not be done. */
#include "source/failure.h"

#include <stdarg.h>
#include <stdio.h>

bool top_failure_set(top_failure *failure, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
    return false;
}
