/* SPDX-License-Identifier: MIT */
/* memo.c - a remembered walk must notice every word that it read, no other, and touch no
 * page whose address it has not confirmed. */
#include "../track/memo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGES = 6, PAGE_WORDS = 512, WORDS = PAGES * PAGE_WORDS, TRIALS = 3000 };

static uint64_t *words = NULL;
static bool is_noted[WORDS] = {false};
static prof_memo memo = {0};

static void expect(bool is_true, const char *what) {
    if (!is_true) {
        printf("wrong: %s\n", what);
        exit(1);
    }
}

static uint64_t address_of(int at) {
    return (uintptr_t)&words[at];
}

/* Notes some random words, often near each other; false when they did not fit. */
static bool note_some(void) {
    prof_memo_writer writer;
    int count = 1 + rand() % 140, at = rand() % WORDS;

    memset(is_noted, 0, sizeof is_noted);
    prof__memo_begin(&writer, &memo);
    for (int i = 0; i < count; i++) {
        bool is_pair = rand() % 2 && at + 1 < WORDS;

        if (is_pair) {
            prof__memo_note_pair(&writer, address_of(at), &words[at]);
        } else {
            prof__memo_note(&writer, address_of(at), words[at]);
        }
        is_noted[at] = true;
        is_noted[at + is_pair] = true;
        at = rand() % 8 ? (at + 1 + rand() % 5) % WORDS : rand() % WORDS;
    }
    prof__memo_end(&writer);
    return memo.group_count > 0;
}

static void every_word_counts(void) {
    int kept = 0;

    for (int trial = 0; trial < TRIALS; trial++) {
        if (!note_some()) {
            continue;
        }
        kept++;
        expect(prof__memo_holds(&memo), "nothing has changed");
        for (int at = 0; at < WORDS; at++) {
            if (is_noted[at] || rand() % 50 == 0) {
                words[at] ^= 1ULL << rand() % 64;
                expect(prof__memo_holds(&memo) != is_noted[at], "one word has changed");
                words[at] = (uint64_t)at << 32 | (uint64_t)at;
            }
        }
    }
    expect(kept > TRIALS / 2 && kept < TRIALS, "some memos are full, most are not");
    printf("%d memos\n", kept);
}

static void order_is_kept(void) {
    prof_memo_writer writer;
    int first = PAGE_WORDS - 2, second = PAGE_WORDS;

    prof__memo_begin(&writer, &memo);
    prof__memo_note(&writer, address_of(first), words[first]);
    prof__memo_note_pair(&writer, address_of(second), &words[second]);
    prof__memo_end(&writer);
    words[first]++;
    mprotect(&words[second], PAGE_WORDS * sizeof *words, PROT_NONE);
    expect(!prof__memo_holds(&memo), "the first page has changed");
    mprotect(&words[second], PAGE_WORDS * sizeof *words, PROT_READ | PROT_WRITE);
}

int main(void) {
    words = mmap(NULL, WORDS * sizeof *words, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(words != MAP_FAILED, "mmap");
    for (int at = 0; at < WORDS; at++) {
        words[at] = (uint64_t)at << 32 | (uint64_t)at;
    }
    order_is_kept();
    words[PAGE_WORDS - 2]--;
    every_word_counts();
    return 0;
}
