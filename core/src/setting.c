/* SPDX-License-Identifier: MIT */
#include "setting.h"

#include <string.h>

#include "platform.h"

#define SETTING_WRONG_MAX 4u /* more than there are variables with words */

static belay__wrong_setting setting_wrong[SETTING_WRONG_MAX] = {{0}};
static unsigned setting_wrong_count = 0;

/* Copies what fits, without what would do something to a terminal or a log. */
static void setting_show(const char *said, char *out_text, unsigned bytes) {
    unsigned length = 0;
    for (; said[length] != 0 && length + 1 < bytes; length++) {
        char letter = said[length];
        if ((unsigned char)letter < ' ' || letter == 0x7f) {
            letter = '?';
        }
        out_text[length] = letter;
    }
    out_text[length] = 0;
}

static void setting_note(
        const char *name, const char *const *words, unsigned count, const char *said) {
    if (setting_wrong_count < SETTING_WRONG_MAX) {
        belay__wrong_setting *wrong = &setting_wrong[setting_wrong_count++];
        *wrong = (belay__wrong_setting){.name = name, .words = words, .count = count};
        setting_show(said, wrong->said, sizeof wrong->said);
    }
}

unsigned belay__setting_word(
        const char *name, const char *const *words, unsigned count, unsigned fallback) {
    const char *said = belay__process_setting(name);
    if (said == NULL || said[0] == 0) {
        return fallback;
    }
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(said, words[i]) == 0) {
            return i;
        }
    }
    setting_note(name, words, count, said);
    return fallback;
}

bool belay__setting_take_wrong(belay__wrong_setting *out_wrong) {
    if (setting_wrong_count == 0) {
        return false;
    }
    *out_wrong = setting_wrong[--setting_wrong_count];
    return true;
}
