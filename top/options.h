/* SPDX-License-Identifier: MIT */
/* options.h - the command line. */
#ifndef TOP_OPTIONS_H
#define TOP_OPTIONS_H

#include "view/listing.h"

/* Exit codes. */
enum {
    TOP_EXIT_FINE = 0,
    TOP_EXIT_UNREADABLE =
            1, /* not a ledger, a damaged one, or the output can't be written */
    TOP_EXIT_USAGE = 2
};

typedef struct top_options {
    const char *target; /* FILE or PID */
    top_choice choice;
    bool is_once;
    bool is_json;
} top_options;

/* Reads the command line; ends the program itself for --help, --version and wrong usage.
 */
void top_options_read(top_options *out_options, int argument_count, char **arguments);

#endif
