/* SPDX-License-Identifier: MIT */
/* word.c - the words of the vocabulary by their numbers. */
#include "view/word.h"

#include <stddef.h>

#include "belay/status.h"
#include "belay/vocabulary.h"

#define WORD_SECOND(name, word, text) word,
#define WORD_STATUS(name, text) text,

static const char *const word_reports[] = {BELAY_REPORT_LIST(WORD_SECOND)};
static const char *const word_guards[] = {BELAY_GUARD_LIST(WORD_SECOND)};
static const char *const word_threads[] = {BELAY_THREAD_LIST(WORD_SECOND)};
static const char *const word_nets[] = {BELAY_NET_LIST(WORD_SECOND)};
static const char *const word_children[] = {BELAY_CHILDREN_LIST(WORD_SECOND)};
static const char *const word_statuses[] = {BELAY_STATUS_LIST(WORD_STATUS)};

static const char *word_of(const char *const *words, size_t count, uint32_t number) {
    return number < count ? words[number] : "?";
}

const char *top_word_report(uint32_t kind) {
    return word_of(word_reports, BELAY_REPORT_COUNT, kind);
}

const char *top_word_guard(uint32_t guard) {
    return word_of(word_guards, BELAY_GUARD_COUNT, guard);
}

const char *top_word_thread(uint32_t thread) {
    return word_of(word_threads, BELAY_THREAD_COUNT, thread);
}

const char *top_word_net(uint32_t net) {
    return word_of(word_nets, BELAY_NET_COUNT, net);
}

const char *top_word_children(uint32_t children) {
    return word_of(word_children, BELAY_CHILDREN_COUNT, children);
}

const char *top_word_status(uint32_t status) {
    return word_of(word_statuses, BELAY_STATUS_COUNT, status);
}
