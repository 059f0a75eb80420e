/* SPDX-License-Identifier: MIT */
/* snapshot.h - a trace file as it was at one moment, checked and in memory.
 *
 *   load -> read -> free
 *
 * The file is taken as hostile: every place and length is checked before it is used, and
 * nothing of it is mapped, so that a file that shrinks meanwhile does no harm either. The
 * profiled process may go on writing. Not thread-safe. */
#ifndef BELAY_PROF_SNAPSHOT_H
#define BELAY_PROF_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addresses.h"
#include "trace.h"

typedef struct prof_snapshot_stack {
    const uint64_t *frames; /* return addresses, leaf first; NULL when count is 0 */
    uint32_t frame_count;
    uint32_t flags; /* PROF_STACK_* */
    uint32_t epoch;
    double count, bytes;           /* allocated since the start, estimated when sampled */
    double live_count, live_bytes; /* not freed yet */
    uint64_t samples, live_samples; /* recorded events behind the two */
} prof_snapshot_stack;

/* The live block of an address that was asked for. */
typedef struct prof_snapshot_block {
    uint32_t stack;      /* index into stacks + 1; 0: there is none */
    double count, bytes; /* what it stands for: 1 and its size, more when sampled */
} prof_snapshot_block;

typedef struct prof_snapshot {
    prof_trace_header header; /* `command` ends with a NUL */
    prof_module *modules;     /* each `path` ends with a NUL */
    size_t module_count;
    prof_snapshot_stack *stacks; /* only those in use */
    size_t stack_count;
    uint64_t *frames;            /* what the stacks point into */
    prof_snapshot_block *blocks; /* one for each address asked for, in their order */
    size_t block_count;
    uint64_t taken_ns; /* CLOCK_REALTIME when it was loaded; 0 when nobody writes it */
} prof_snapshot;

/* Reads the header of the trace at `path`. Returns false with one line for the user in
 * `problem` (`problem_bytes` long). */
bool prof__snapshot_header(
        const char *path, prof_trace_header *out, char *problem, size_t problem_bytes);

/* Loads the trace at `path`, and notes the blocks of `addresses`. Returns false with one
 * line for the user in `problem` (`problem_bytes` long) and nothing to free. */
bool prof__snapshot_load(const char *path, prof_addresses addresses, prof_snapshot *out,
        char *problem, size_t problem_bytes);

/* Frees what load made; safe on a zeroed snapshot. */
void prof__snapshot_free(prof_snapshot *snapshot);

/* Finds the module that `address` meant when `epoch` modules were known; NULL: none. */
const prof_module *prof__snapshot_module(
        const prof_snapshot *snapshot, uint64_t address, uint32_t epoch);

#endif
