/* SPDX-License-Identifier: MIT */
/* word.h - the words of the vocabulary by their numbers; "?" for numbers of a newer
 * Belay. */
#ifndef TOP_VIEW_WORD_H
#define TOP_VIEW_WORD_H

#include <stdint.h>

const char *top_word_report(uint32_t kind);
const char *top_word_guard(uint32_t guard);
const char *top_word_thread(uint32_t thread);
const char *top_word_net(uint32_t net);
const char *top_word_children(uint32_t children);

/* The text of a belay_status, as in "the object is closed". */
const char *top_word_status(uint32_t status);

#endif
