/* SPDX-License-Identifier: MIT */
#include "interner.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct interner_pair {
    uint64_t first, second;
    uint32_t number; /* + 1; 0 in a fresh one */
    bool is_used;
} interner_pair;

struct prof_interner {
    char **strings; /* open addressing */
    size_t string_room, string_count;
    interner_pair *pairs;
    size_t pair_room, pair_count;
};

enum { INTERNER_ROOM = 1024 };

prof_interner *prof__interner_create(void) {
    prof_interner *interner = calloc(1, sizeof *interner);

    if (!interner) {
        return NULL;
    }
    interner->string_room = interner->pair_room = INTERNER_ROOM;
    interner->strings = (char **)calloc(INTERNER_ROOM, sizeof *interner->strings);
    interner->pairs = calloc(INTERNER_ROOM, sizeof *interner->pairs);
    if (!interner->strings || !interner->pairs) {
        prof__interner_destroy(interner);
        return NULL;
    }
    return interner;
}

void prof__interner_destroy(prof_interner *interner) {
    if (!interner) {
        return;
    }
    for (size_t i = 0; interner->strings && i < interner->string_room; i++) {
        free(interner->strings[i]);
    }
    free((void *)interner->strings);
    free(interner->pairs);
    free(interner);
}

static size_t interner_hash(const char *text) {
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

    for (; *text; text++) {
        hash = (hash ^ (uint8_t)*text) * 1099511628211ULL;
    }
    return (size_t)(hash ^ hash >> 32);
}

static char **interner_slot(char **strings, size_t room, const char *text) {
    size_t at = interner_hash(text) & (room - 1);

    while (strings[at] && strcmp(strings[at], text) != 0) {
        at = (at + 1) & (room - 1);
    }
    return &strings[at];
}

static bool interner_grow_strings(prof_interner *interner) {
    size_t room = interner->string_room * 2;
    char **strings = (char **)calloc(room, sizeof *strings);

    if (!strings) {
        return false;
    }
    for (size_t i = 0; i < interner->string_room; i++) {
        if (interner->strings[i]) {
            *interner_slot(strings, room, interner->strings[i]) = interner->strings[i];
        }
    }
    free((void *)interner->strings);
    interner->strings = strings;
    interner->string_room = room;
    return true;
}

const char *prof__interner_string(prof_interner *interner, const char *text) {
    char **slot;

    if (interner->string_count * 2 >= interner->string_room &&
            !interner_grow_strings(interner)) {
        return NULL;
    }
    slot = interner_slot(interner->strings, interner->string_room, text);
    if (!*slot && (*slot = strdup(text))) {
        interner->string_count++;
    }
    return *slot;
}

static interner_pair *interner_pair_slot(
        interner_pair *pairs, size_t room, uint64_t first, uint64_t second) {
    uint64_t hash = (first ^ second * 0xBF58476D1CE4E5B9ULL) * 0x9E3779B97F4A7C15ULL;
    size_t at = (size_t)(hash >> 32) & (room - 1);

    while (pairs[at].is_used &&
            (pairs[at].first != first || pairs[at].second != second)) {
        at = (at + 1) & (room - 1);
    }
    return &pairs[at];
}

static bool interner_grow_pairs(prof_interner *interner) {
    size_t room = interner->pair_room * 2;
    interner_pair *pairs = calloc(room, sizeof *pairs);

    if (!pairs) {
        return false;
    }
    for (size_t i = 0; i < interner->pair_room; i++) {
        interner_pair *old = &interner->pairs[i];

        if (old->is_used) {
            *interner_pair_slot(pairs, room, old->first, old->second) = *old;
        }
    }
    free(interner->pairs);
    interner->pairs = pairs;
    interner->pair_room = room;
    return true;
}

uint32_t *prof__interner_pair(prof_interner *interner, uint64_t first, uint64_t second) {
    interner_pair *pair;

    if (interner->pair_count * 2 >= interner->pair_room &&
            !interner_grow_pairs(interner)) {
        return NULL;
    }
    pair = interner_pair_slot(interner->pairs, interner->pair_room, first, second);
    if (!pair->is_used) {
        *pair = (interner_pair){.first = first, .second = second, .is_used = true};
        interner->pair_count++;
    }
    return &pair->number;
}
