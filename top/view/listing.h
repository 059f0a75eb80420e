/* SPDX-License-Identifier: MIT */
/* listing.h - what of a snapshot is shown, and in which order.
 *
 *   init -> look at the fields -> fini
 *
 * A listing borrows its snapshot. */
#ifndef TOP_VIEW_LISTING_H
#define TOP_VIEW_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/snapshot.h"

/* X(NAME, "word"): biggest first */
#define TOP_SORT_LIST(X)                                                                 \
    X(BYTES, "bytes")                                                                    \
    X(COUNT, "count")                                                                    \
    X(AGE, "age")

#define TOP_SORT_ENUM(name, word) TOP_SORT_##name,

typedef enum top_sort { TOP_SORT_LIST(TOP_SORT_ENUM) TOP_SORT_COUNT_OF } top_sort;

/* What the user asked for. */
typedef struct top_choice {
    const char *type; /* only this one; NULL: all */
    top_sort sort;
    size_t limit;        /* lines of each list; SIZE_MAX: all */
    bool is_each_object; /* objects one by one, instead of by type and line */
    bool is_without_header;
} top_choice;

/* Objects of one type that were opened at one line. */
typedef struct top_group {
    uint32_t type;
    uint32_t site;
    uint64_t count;
    uint64_t bytes; /* UINT64_MAX when the sum does not fit */
    uint64_t oldest_ms;
    uint64_t by_state[TOP_OBJECT_STATE_COUNT];
} top_group;

typedef struct top_listing {
    const top_snapshot *snapshot;
    const top_choice *choice;
    uint32_t *types; /* ids, ascending */
    size_t type_count;
    const top_object **objects;
    size_t object_count;
    top_group *groups;
    size_t group_count;
    const belay_ledger_report **reports; /* newest first */
    size_t report_count;
} top_listing;

/* Chooses and sorts. False: memory is short. */
bool top_listing_init(
        top_listing *out_listing, const top_snapshot *snapshot, const top_choice *choice);

void top_listing_fini(top_listing *listing);

/* Returns how many of `count` lines the limit lets through. */
size_t top_listing_cut(const top_listing *listing, size_t count);

/* True if the snapshot has a type of that name. */
bool top_listing_has_type(const top_snapshot *snapshot, const char *name);

/* The words of the list; static. */
const char *top_sort_word(top_sort sort);

#endif
