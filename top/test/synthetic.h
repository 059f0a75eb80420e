/* SPDX-License-Identifier: MIT */
/* synthetic.h - a ledger made by hand, the same each time, for tests to read and to
 * break.
 *
 *   init -> change the bytes -> open (any number) -> fini */
#ifndef TOP_TEST_SYNTHETIC_H
#define TOP_TEST_SYNTHETIC_H

#include <stddef.h>

#include "belay/ledger.h"
#include "source/source.h"

enum {
    SYNTHETIC_TYPES = 8,
    SYNTHETIC_SITES = 16,
    SYNTHETIC_ROWS = 64, /* in each of two segments */
    SYNTHETIC_REPORTS = 8,
    SYNTHETIC_OPEN = 9, /* objects that are open */

    /* Directory entries. */
    SYNTHETIC_AT_ROWS = 0,
    SYNTHETIC_AT_UNKNOWN,
    SYNTHETIC_AT_TYPES,
    SYNTHETIC_AT_COUNTERS,
    SYNTHETIC_AT_SITES,
    SYNTHETIC_AT_MORE_ROWS,
    SYNTHETIC_AT_REPORTS,
    SYNTHETIC_SEGMENTS
};

typedef struct synthetic {
    unsigned char *bytes;
    size_t size;
} synthetic;

/* Makes the valid one. Ends the program when memory is short. */
void synthetic_init(synthetic *out_ledger);

void synthetic_fini(synthetic *ledger);

belay_ledger_header *synthetic_header(const synthetic *ledger);
belay_ledger_segment *synthetic_segment(const synthetic *ledger, int entry);

/* Rows by their index within the segment of a directory entry. */
void *synthetic_at(const synthetic *ledger, int entry, size_t row);

/* Opens a copy of the bytes as a source, which the caller closes. */
void synthetic_open(const synthetic *ledger, top_source *out_source);

#endif
