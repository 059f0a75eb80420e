/* SPDX-License-Identifier: MIT */
/* directory.h - the segments of a ledger, checked against the file, and tables read from
 * them. */
#ifndef TOP_SNAPSHOT_DIRECTORY_H
#define TOP_SNAPSHOT_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "belay/ledger.h"
#include "snapshot/note.h"
#include "source/source.h"

/* The kinds of segment: the list of ledger.h under names of our own, each a constant. */
#define TOP_KIND_ENUM(name, word) TOP_KIND_##name,

typedef enum top_kind {
    BELAY_LEDGER_SEGMENT_LIST(TOP_KIND_ENUM) TOP_KIND_COUNT
} top_kind;

/* The segments that can be trusted: of a known kind, inside the file, disjoint within
 * their kind, in the order of their first rows. */
typedef struct top_directory {
    belay_ledger_segment segments[BELAY_LEDGER_DIRECTORY_MAX];
    uint32_t count;
} top_directory;

/* Reads and checks the directory. What is left out is noted. */
void top_directory_read(top_directory *out_directory, const top_source *source,
        const belay_ledger_header *header, top_notes *notes);

/* Reads the first rows of a kind, `row_bytes` of each, into memory that the caller frees.
 * Rows that no segment holds are zero. At most `wanted` rows, and no more than the
 * segments reach. Returns NULL with *out_count 0 when there are none or memory is short
 * (noted). */
void *top_directory_read_table(const top_directory *directory, const top_source *source,
        top_kind kind, size_t wanted, uint32_t *out_count, top_notes *notes);

#endif
