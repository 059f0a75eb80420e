/* SPDX-License-Identifier: MIT */
#include "memo.h"

#include <stddef.h>

enum { MEMO_PAGE_BYTES = 4096 };

void prof__memo_begin(prof_memo_writer *writer, prof_memo *memo) {
    memo->group_count = 0;
    memo->uses_bp = false;
    *writer = (prof_memo_writer){.memo = memo, .back = PROF_MEMO_WORDS};
}

/* The group of the page of `address`; NULL when this read does not fit. */
static prof_memo_group *memo_group(prof_memo_writer *writer, uint64_t address) {
    prof_memo *memo = writer->memo;
    uint64_t page = address / MEMO_PAGE_BYTES;
    bool is_same = page == writer->page;

    writer->is_full |= writer->back - writer->front < PROF_MEMO_PAIRS ||
                       (!is_same && memo->group_count == PROF_MEMO_GROUPS);
    if (writer->is_full) {
        return NULL;
    }
    if (!is_same) {
        memo->groups[memo->group_count++] = (prof_memo_group){0, 0};
        writer->page = page;
        writer->is_half_pairs = false;
        writer->is_half_singles = false;
    }
    return &memo->groups[memo->group_count - 1];
}

void prof__memo_note(prof_memo_writer *writer, uint64_t address, uint64_t word) {
    prof_memo_group *group = memo_group(writer, address);
    uint64_t *entry;

    if (!group) {
        return;
    }
    if (!writer->is_half_singles) {
        writer->back -= PROF_MEMO_SINGLES;
        group->singles++;
    }
    entry = writer->memo->words + writer->back;
    for (int i = writer->is_half_singles; i < 2; i++) {
        entry[i] = address;
        entry[2 + i] = word;
    }
    writer->is_half_singles = !writer->is_half_singles;
}

void prof__memo_note_pair(
        prof_memo_writer *writer, uint64_t address, const uint64_t pair[2]) {
    prof_memo_group *group;
    uint64_t *entry;

    if (address % MEMO_PAGE_BYTES == MEMO_PAGE_BYTES - sizeof(uint64_t)) {
        prof__memo_note(writer, address, pair[0]);
        prof__memo_note(writer, address + sizeof(uint64_t), pair[1]);
        return;
    }
    group = memo_group(writer, address);
    if (!group) {
        return;
    }
    if (!writer->is_half_pairs) {
        writer->front += PROF_MEMO_PAIRS;
        group->pairs++;
    }
    entry = writer->memo->words + writer->front - PROF_MEMO_PAIRS;
    for (int i = writer->is_half_pairs; i < 2; i++) {
        entry[i] = address;
        entry[2 + 2 * i] = pair[0];
        entry[3 + 2 * i] = pair[1];
    }
    writer->is_half_pairs = !writer->is_half_pairs;
}

void prof__memo_end(prof_memo_writer *writer) {
    if (writer->is_full) {
        writer->memo->group_count = 0;
    }
}
