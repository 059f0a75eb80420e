/* SPDX-License-Identifier: MIT */
/* snapshot.h - one reading of a ledger, in private memory, checked.
 *
 *   take -> look at the fields, any number -> fini
 *
 * What is in a snapshot is safe to index and print; texts still need escaping. */
#ifndef TOP_SNAPSHOT_SNAPSHOT_H
#define TOP_SNAPSHOT_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "belay/ledger.h"
#include "snapshot/life.h"
#include "snapshot/note.h"
#include "snapshot/object.h"
#include "source/source.h"

/* The counters of one type, summed over the shards. */
typedef struct top_account {
    uint64_t live;
    uint64_t bytes;
    uint64_t opened;
    uint64_t closed; /* by the program: gone, but not rescued, leaked or disowned */
    uint64_t rescued;
    uint64_t leaked;
    uint64_t disowned;
    uint64_t refused;
    uint64_t failed;
    uint64_t misused;
    uint64_t live_peak;
    uint64_t bytes_peak;
} top_account;

typedef struct top_type {
    char name[112]; /* ends with 0, not empty */
    top_account account;
    uint64_t size_bytes;
    uint8_t guard, thread, net, children; /* vocabulary.h; may be out of its range */
} top_type;

typedef struct top_snapshot {
    belay_ledger_header header; /* its texts end with 0 */
    top_life life;
    uint64_t now_ms; /* of the reading, since the start; of a dead program: its last sign
                        of life */
    top_type *types; /* by type id; 0 is none */
    uint32_t type_count;
    belay_ledger_site *sites; /* by site id; each text ends with 0 */
    uint32_t site_count;
    top_objects objects;
    belay_ledger_report *reports; /* newest first */
    uint32_t report_count;
    top_notes notes;
} top_snapshot;

/* Reads everything from a source. The caller ends the snapshot with fini.
 * False with a failure: not a ledger, one of another version, or memory is short. */
bool top_snapshot_take(
        top_snapshot *out_snapshot, const top_source *source, top_failure *out_failure);

/* Safe to call on a zeroed snapshot. */
void top_snapshot_fini(top_snapshot *snapshot);

/* The name of a type and the text of a site; "?" for those that are not there. */
const char *top_snapshot_type_name(const top_snapshot *snapshot, uint32_t type);
const char *top_snapshot_site_text(const top_snapshot *snapshot, uint32_t site);

#endif
