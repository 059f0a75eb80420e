/* SPDX-License-Identifier: MIT */
/* objects.h - the objects that a program's Belay ledger says are open, to name the blocks
 * that hold them.
 *
 *   read -> [load the trace] -> keep -> label -> free
 *
 * A live ledger is read before and after the trace: what was open both times was open
 * between, so its address had no other use. The ledger is taken as hostile; top/ reads
 * and checks it. Not thread-safe. */
#ifndef BELAY_PROF_OBJECTS_H
#define BELAY_PROF_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../trace/snapshot.h"
#include "snapshot/snapshot.h"

typedef struct prof_objects {
    top_snapshot ledger; /* its objects ascending by pointer, one a pointer, none dying */
    uint64_t *addresses; /* their pointers, in that order */
    char name[256];      /* of the ledger, for people */
} prof_objects;

/* Live blocks of one stack that hold objects of one type. */
typedef struct prof_objects_label {
    uint32_t stack; /* index into the snapshot's stacks */
    uint32_t type;  /* of the ledger */
    double count, bytes;
    uint32_t oldest_ms;
} prof_objects_label;

/* Reads a ledger. False with a failure: no ledger, a damaged one, or memory is short;
 * nothing to free. */
bool prof__objects_read(
        const top_source *source, prof_objects *out, top_failure *out_failure);

/* True when the ledger is that of the process that wrote the trace; else a failure.
 * `is_found`: it was found in the living process that writes the trace. */
bool prof__objects_check(const prof_objects *objects, const prof_trace_header *trace,
        bool is_found, top_failure *out_failure);

/* Forgets the blocks of objects that are not open in a `later` reading: their address
 * may have been another's when the trace was read. */
void prof__objects_keep(
        const prof_objects *objects, const prof_objects *later, prof_snapshot *snapshot);

/* Sums the blocks of a snapshot loaded with our addresses. Returns labels, ascending by
 * stack, that the caller frees; NULL: out of memory. */
prof_objects_label *prof__objects_label(
        const prof_objects *objects, const prof_snapshot *snapshot, size_t *out_count);

/* Safe on zeroed objects. */
void prof__objects_free(prof_objects *objects);

#endif
