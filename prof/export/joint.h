/* SPDX-License-Identifier: MIT */
/* joint.h - the samples of a Go heap profile, made ready to stand in one profile.proto
 * with ours: one file then shows the whole memory, Go and C, by the same Go lines.
 *
 *   read -> add -> free
 *
 * The Go profile is what /debug/pprof/heap gives, compressed or not; it is taken as
 * hostile. */
#ifndef BELAY_PROF_JOINT_H
#define BELAY_PROF_JOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protobuf.h"

typedef struct prof_joint {
    uint8_t *bytes; /* the whole message, uncompressed */
    size_t size;
} prof_joint;

/* What is added to each kind of number of the Go profile, so that none is ours already.
 */
typedef struct prof_joint_shift {
    uint64_t string, location, mapping, function;
    uint64_t label_key, label_value; /* strings: a label for each sample; 0, 0: none */
} prof_joint_shift;

/* Reads the profile at `path`. False with one line in `problem`: it is no Go heap
 * profile, or can't be read; nothing to free. */
bool prof__joint_read(
        const char *path, prof_joint *out, char *problem, size_t problem_bytes);

/* Adds its samples, mappings, locations and functions to `body` and its strings to
 * `strings`. Returns how many strings were added. */
uint64_t prof__joint_add(const prof_joint *joint, const prof_joint_shift *shift,
        prof_protobuf *body, prof_protobuf *strings);

void prof__joint_free(prof_joint *joint);

#endif
