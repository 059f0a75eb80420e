/* SPDX-License-Identifier: MIT */
/* profile.h - a snapshot with names: what every exporter reads.
 *
 *   build -> read -> free
 *
 * A *place* is an address with its frames; a *sample* is one stack of places with its
 * four values; a *label* is the part of a sample's live blocks that are Belay objects of
 * one type; a *function* and a *module* are shared by the places. Everything is owned by
 * the profile. Not thread-safe. */
#ifndef BELAY_PROF_PROFILE_H
#define BELAY_PROF_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../trace/snapshot.h"
#include "objects.h"

enum {
    PROF_VALUE_COUNT,      /* allocations since the start */
    PROF_VALUE_BYTES,      /* bytes of them */
    PROF_VALUE_LIVE_COUNT, /* not yet freed */
    PROF_VALUE_LIVE_BYTES,
    PROF_VALUES
};

typedef struct prof_function {
    const char *name;
    const char *file; /* "" when unknown */
    int64_t start_line;
    bool is_go;
} prof_function;

typedef struct prof_line {
    uint32_t function;
    int64_t line; /* 0 when unknown */
} prof_line;

typedef struct prof_place {
    uint64_t address; /* in the target, inside the call */
    uint32_t module;  /* index + 1; 0: unknown */
    uint32_t line_at; /* its lines, innermost first, in profile.lines */
    uint32_t line_count;
} prof_place;

typedef struct prof_label {
    const char *type;
    double count, bytes; /* live, of those of its sample */
    uint32_t oldest_ms;
} prof_label;

typedef struct prof_sample {
    uint32_t place_at; /* its places, leaf first, in profile.sample_places */
    uint32_t place_count;
    uint32_t flags;
    size_t label_at, label_count; /* in profile.labels */
    double values[PROF_VALUES];
} prof_sample;

typedef struct prof_profile {
    prof_snapshot snapshot;
    prof_function *functions;
    prof_line *lines;
    prof_place *places;
    prof_sample *samples;
    uint32_t *sample_places;
    prof_label *labels;
    size_t function_count, line_count, place_count, sample_count, sample_place_count;
    size_t label_count;
    size_t object_count;            /* open in the ledger */
    size_t object_blocks;           /* of them are blocks of the trace */
    char ledger[256];               /* its name; "": none was read */
    char main_module[256];          /* the program's Go module path; "" when unknown */
    size_t changed_modules;         /* files that are not those that ran: without names */
    struct prof_interner *interner; /* owns the strings */
} prof_profile;

/* Resolves a snapshot, which it takes. `objects`, whose addresses it was loaded with,
 * give labels; NULL: none. False: out of memory; everything is freed. */
bool prof__profile_build(
        prof_snapshot *snapshot, const prof_objects *objects, prof_profile *out_profile);

/* Frees all of it; safe on a zeroed profile. */
void prof__profile_free(prof_profile *profile);

/* True for a function of the program itself: package main, or of its main module. */
bool prof__profile_is_own(const prof_profile *profile, const prof_function *function);

/* True for what stands between a Go line and its C function: the runtime's crossing and
 * the code that cgo generates. */
bool prof__profile_is_glue(const prof_function *function);

/* The last part of a path. */
const char *prof__profile_base(const char *path);

#endif
