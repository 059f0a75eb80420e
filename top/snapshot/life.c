/* SPDX-License-Identifier: MIT */
/* life.c - whether the program that wrote a ledger still runs. */
#include "snapshot/life.h"

#include <string.h>

#define LIFE_WORD(name, word, text, doubt) word,
#define LIFE_TEXT(name, word, text, doubt) text,
#define LIFE_DOUBT(name, word, text, doubt) doubt,
static const char *const life_words[] = {TOP_LIFE_LIST(LIFE_WORD)};
static const char *const life_texts[] = {TOP_LIFE_LIST(LIFE_TEXT)};
static const char *const life_doubts[] = {TOP_LIFE_LIST(LIFE_DOUBT)};

top_life top_life_decide(const belay_ledger_header *header, const char *boot_id,
        const top_process *holder, const top_process *named) {
    bool is_ended = header->ended == 1;
    bool is_this_boot = boot_id[0] != '\0' &&
                        strncmp(header->boot_id, boot_id, sizeof header->boot_id) == 0;
    /* A pid is reused, a pid with its start time is not, within one boot. */
    bool is_running =
            is_this_boot &&
            ((holder->is_there && holder->start_ticks == header->start_ticks) ||
                    (named->is_there && named->start_ticks == header->start_ticks));
    if (is_running) {
        return is_ended ? TOP_LIFE_SHUT_DOWN : TOP_LIFE_RUNNING;
    }
    if (is_ended) {
        return TOP_LIFE_ENDED;
    }
    if (named->is_hidden && (is_this_boot || boot_id[0] == '\0')) {
        return TOP_LIFE_UNKNOWN;
    }
    return is_this_boot ? TOP_LIFE_DIED : TOP_LIFE_ELSEWHERE;
}

int top_life_is_running(top_life life) {
    return life == TOP_LIFE_RUNNING || life == TOP_LIFE_SHUT_DOWN;
}

const char *top_life_word(top_life life) {
    return life_words[life];
}

const char *top_life_text(top_life life) {
    return life_texts[life];
}

const char *top_life_doubt(top_life life) {
    return life_doubts[life];
}
