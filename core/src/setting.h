/* SPDX-License-Identifier: MIT */
/* setting.h - what the environment says, one of a few words.
 *
 * Words that are none are noted at the start, which holds a lock, and told after it. */
#ifndef BELAY__SETTING_H
#define BELAY__SETTING_H

#include <stdbool.h>

/* A variable whose value is none of its words. */
typedef struct belay__wrong_setting {
    const char *name;
    const char *const *words;
    unsigned count; /* of words */
    char said[64];  /* what may be shown of the value */
} belay__wrong_setting;

/* The place of the variable's word in `words`, which stay. `fallback` if it is unset,
 * empty, or something else, which is noted. Under the lock of the start. */
unsigned belay__setting_word(
        const char *name, const char *const *words, unsigned count, unsigned fallback);

/* Takes one of those noted. False: there is none. Under the same lock. */
bool belay__setting_take_wrong(belay__wrong_setting *out_wrong);

#endif
