/* SPDX-License-Identifier: MIT */
/* memo.h - a remembered walk: the registers it started from and every word it read.
 *
 *   begin -> note, note_pair (what the walk reads, in its order) -> end -> holds (often)
 *
 * A walk is a pure function of those. So one that starts from the same registers and
 * finds every word as it was ends in the same stack. Belongs to one thread.
 *
 * The words are kept in groups, one for each run of reads on one page. A new walk would
 * read the first word of a group, and where that can be read so can its page; only when
 * all words of the group are as they were is the next group looked at, whose addresses
 * were derived from them. So nothing is touched that a new walk could not touch, and
 * within a group there is no branch. Words are compared two at a time in one vector, and
 * two words beside each other, a saved frame pointer and its return address in Go frames,
 * by one load. Not in C frames: these were just written, word by word, and a load of both
 * would have to wait until they have reached the cache. */
#ifndef BELAY_PROF_MEMO_H
#define BELAY_PROF_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "../trace/trace.h"

enum {
    PROF_MEMO_GROUPS = 17,
    PROF_MEMO_WORDS = 238,
    PROF_MEMO_PAIRS = 6,  /* words of an entry: two addresses, two pairs */
    PROF_MEMO_SINGLES = 4 /* words of an entry: two addresses, two words */
};

typedef struct prof_memo_group {
    uint8_t pairs, singles; /* entries; when half of one is left over it is a double */
} prof_memo_group;

typedef struct prof_memo {
    uint64_t pc, sp, bp;
    uint64_t unloads;     /* prof__modules_unloads() when it was made */
    prof_lane_slot *slot; /* counts its allocations */
    uint32_t stack;
    uint8_t group_count; /* 0: empty */
    bool uses_bp;
    prof_memo_group groups[PROF_MEMO_GROUPS];
    /* Pairs from the front, singles from the back. */
    _Alignas(16) uint64_t words[PROF_MEMO_WORDS];
} prof_memo;

_Static_assert(
        sizeof(prof_memo) % 128 == 64, "whole lines, and not all in the same sets");

/* A memo being filled. */
typedef struct prof_memo_writer {
    prof_memo *memo;
    uint64_t page;                       /* of the last group */
    uint32_t front, back;                /* the words between are free */
    bool is_half_pairs, is_half_singles; /* the last entry has room for a second one */
    bool is_full;                        /* did not fit: can't be remembered */
} prof_memo_writer;

/* Empties `memo` and begins to fill it. */
void prof__memo_begin(prof_memo_writer *writer, prof_memo *memo);

/* Notes that the walk read `word` at `address`. */
void prof__memo_note(prof_memo_writer *writer, uint64_t address, uint64_t word);

/* Notes that the walk read the two words at `address`. */
void prof__memo_note_pair(
        prof_memo_writer *writer, uint64_t address, const uint64_t pair[2]);

/* Ends it; leaves the memo empty when the reads did not fit. The caller sets the fields
 * before the groups. */
void prof__memo_end(prof_memo_writer *writer);

typedef uint64_t prof_memo_vector __attribute__((vector_size(16), may_alias));
typedef uint64_t prof_memo_loose __attribute__((vector_size(16), aligned(8), may_alias));

static inline uint64_t prof__memo_word(uint64_t address) {
    return *(const uint64_t *)(uintptr_t)address;
}

static inline prof_memo_vector prof__memo_pair(uint64_t address) {
    return *(const prof_memo_loose *)(uintptr_t)address;
}

/* True when the memory is as it was. */
static inline bool prof__memo_holds(const prof_memo *memo) {
    const prof_memo_group *group = memo->groups, *end = group + memo->group_count;
    const uint64_t *front = memo->words, *back = memo->words + PROF_MEMO_WORDS, *stop;
    prof_memo_vector differs = {0, 0};

    for (; group < end; group++) {
        for (stop = front + group->pairs * PROF_MEMO_PAIRS; front < stop;
                front += PROF_MEMO_PAIRS) {
            const prof_memo_vector *was = (const prof_memo_vector *)(front + 2);

            differs |= prof__memo_pair(front[0]) ^ was[0];
            differs |= prof__memo_pair(front[1]) ^ was[1];
        }
        for (stop = back - group->singles * PROF_MEMO_SINGLES; back > stop;) {
            const prof_memo_vector *was = (const prof_memo_vector *)(back - 2);

            back -= PROF_MEMO_SINGLES;
            differs |= (prof_memo_vector){prof__memo_word(back[0]),
                               prof__memo_word(back[1])} ^
                       *was;
        }
        if (differs[0] | differs[1]) {
            return false;
        }
    }
    return true;
}

#endif
