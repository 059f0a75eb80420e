/* SPDX-License-Identifier: MIT */
/* setting.h - what the environment says, one of a few words. */
#ifndef BELAY__SETTING_H
#define BELAY__SETTING_H

/* The place of the variable's word in `words`. `fallback` if it is unset, empty, or
 * something else, which a line on standard error tells. */
unsigned belay__setting_word(
        const char *name, const char *const *words, unsigned count, unsigned fallback);

#endif
