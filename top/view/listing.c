/* SPDX-License-Identifier: MIT */
/* listing.c - what of a snapshot is shown, and in which order. */
#include "view/listing.h"

#include <stdlib.h>
#include <string.h>

#define LISTING_SORT_WORD(name, word) word,
static const char *const listing_sort_words[] = {TOP_SORT_LIST(LISTING_SORT_WORD)};

static int listing_descend(uint64_t a, uint64_t b) {
    return a > b ? -1 : a < b;
}

static int listing_ascend(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

static int listing_compare_place(
        uint32_t type_a, uint32_t type_b, uint32_t site_a, uint32_t site_b) {
    return type_a != type_b ? listing_ascend(type_a, type_b)
                            : listing_ascend(site_a, site_b);
}

/* By type and line, so that groups are runs. */
static int listing_compare_objects_by_place(const void *left, const void *right) {
    const top_object *a = *(const top_object *const *)left;
    const top_object *b = *(const top_object *const *)right;
    return listing_compare_place(a->type, b->type, a->site, b->site);
}

static uint64_t listing_object_key(const top_object *object, top_sort sort) {
    switch (sort) {
    case TOP_SORT_COUNT:
        return top_object_borrows(object);
    case TOP_SORT_AGE:
        return object->age_ms;
    default:
        return object->size_bytes;
    }
}

static int listing_compare_objects(const void *left, const void *right, void *sort) {
    const top_object *a = *(const top_object *const *)left;
    const top_object *b = *(const top_object *const *)right;
    int order = listing_descend(listing_object_key(a, *(const top_sort *)sort),
            listing_object_key(b, *(const top_sort *)sort));
    return order != 0 ? order
                      : listing_ascend(
                                top_handle_index(a->handle), top_handle_index(b->handle));
}

static uint64_t listing_group_key(const top_group *group, top_sort sort) {
    switch (sort) {
    case TOP_SORT_COUNT:
        return group->count;
    case TOP_SORT_AGE:
        return group->oldest_ms;
    default:
        return group->bytes;
    }
}

static int listing_compare_groups(const void *left, const void *right, void *sort) {
    const top_group *a = left;
    const top_group *b = right;
    int order = listing_descend(listing_group_key(a, *(const top_sort *)sort),
            listing_group_key(b, *(const top_sort *)sort));
    return order != 0 ? order : listing_compare_place(a->type, b->type, a->site, b->site);
}

static void listing_group_add(top_group *group, const top_object *object) {
    uint64_t bytes = group->bytes + object->size_bytes;
    group->type = object->type;
    group->site = object->site;
    group->count++;
    group->bytes = bytes >= group->bytes ? bytes : UINT64_MAX;
    group->oldest_ms =
            object->age_ms > group->oldest_ms ? object->age_ms : group->oldest_ms;
    group->by_state[top_object_state_of(object)]++;
}

static bool listing_is_one_place(const top_object *a, const top_object *b) {
    return a->type == b->type && a->site == b->site;
}

/* Makes the groups from objects sorted by place. False: memory is short. */
static bool listing_make_groups(top_listing *listing) {
    size_t count = 0;
    for (size_t i = 0; i < listing->object_count; i++) {
        count += i == 0 ||
                 !listing_is_one_place(listing->objects[i - 1], listing->objects[i]);
    }
    listing->groups = calloc(count + 1, sizeof *listing->groups);
    if (!listing->groups) {
        return false;
    }
    top_group *group = listing->groups;
    for (size_t i = 0; i < listing->object_count; i++) {
        if (i > 0 &&
                !listing_is_one_place(listing->objects[i - 1], listing->objects[i])) {
            group++;
        }
        listing_group_add(group, listing->objects[i]);
    }
    listing->group_count = count;
    return true;
}

static bool listing_is_chosen(const top_listing *listing, uint32_t type) {
    const char *name = listing->choice->type;
    return !name || strcmp(name, top_snapshot_type_name(listing->snapshot, type)) == 0;
}

static void listing_choose(top_listing *listing) {
    const top_snapshot *snapshot = listing->snapshot;
    for (uint32_t id = 1; id < snapshot->type_count; id++) {
        if (listing_is_chosen(listing, id)) {
            listing->types[listing->type_count++] = id;
        }
    }
    for (uint32_t i = 0; i < snapshot->objects.count; i++) {
        const top_object *object = &snapshot->objects.items[i];
        if (listing_is_chosen(listing, object->type)) {
            listing->objects[listing->object_count++] = object;
        }
    }
    for (uint32_t i = 0; i < snapshot->report_count; i++) {
        const belay_ledger_report *report = &snapshot->reports[i];
        if (listing_is_chosen(listing, report->type)) {
            listing->reports[listing->report_count++] = report;
        }
    }
}

bool top_listing_init(top_listing *out_listing, const top_snapshot *snapshot,
        const top_choice *choice) {
    *out_listing = (top_listing){.snapshot = snapshot, .choice = choice};
    top_listing *listing = out_listing;
    listing->types = calloc((size_t)snapshot->type_count + 1, sizeof *listing->types);
    listing->objects = (const top_object **)calloc(
            (size_t)snapshot->objects.count + 1, sizeof *listing->objects);
    listing->reports = (const belay_ledger_report **)calloc(
            (size_t)snapshot->report_count + 1, sizeof *listing->reports);
    if (!listing->types || !listing->objects || !listing->reports) {
        top_listing_fini(listing);
        return false;
    }
    listing_choose(listing);
    top_sort sort = choice->sort;
    qsort((void *)listing->objects, listing->object_count, sizeof(const top_object *),
            listing_compare_objects_by_place);
    if (!listing_make_groups(listing)) {
        top_listing_fini(listing);
        return false;
    }
    qsort_r(listing->groups, listing->group_count, sizeof *listing->groups,
            listing_compare_groups, &sort);
    if (choice->is_each_object) {
        qsort_r((void *)listing->objects, listing->object_count,
                sizeof(const top_object *), listing_compare_objects, &sort);
    }
    return true;
}

void top_listing_fini(top_listing *listing) {
    free(listing->types);
    free((void *)listing->objects);
    free(listing->groups);
    free((void *)listing->reports);
    *listing = (top_listing){0};
}

size_t top_listing_cut(const top_listing *listing, size_t count) {
    return count < listing->choice->limit ? count : listing->choice->limit;
}

bool top_listing_has_type(const top_snapshot *snapshot, const char *name) {
    for (uint32_t id = 1; id < snapshot->type_count; id++) {
        if (strcmp(name, snapshot->types[id].name) == 0) {
            return true;
        }
    }
    return false;
}

const char *top_sort_word(top_sort sort) {
    return listing_sort_words[sort];
}
