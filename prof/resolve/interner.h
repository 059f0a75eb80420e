/* SPDX-License-Identifier: MIT */
/* interner.h - one copy of each string, and numbers for pairs of words.
 *
 *   create -> string/find/insert -> destroy
 *
 * Not thread-safe. */
#ifndef BELAY_PROF_INTERNER_H
#define BELAY_PROF_INTERNER_H

#include <stddef.h>
#include <stdint.h>

typedef struct prof_interner prof_interner;

/* NULL: out of memory. */
prof_interner *prof__interner_create(void);
void prof__interner_destroy(prof_interner *interner);

/* Copies `text` unless it is known. The result lives as long as the interner and is the
 * same pointer for equal strings. NULL: out of memory. */
const char *prof__interner_string(prof_interner *interner, const char *text);

/* Finds or makes the number of a pair: returns a place that holds 0 for a new pair; the
 * caller stores the number + 1. The place is valid until the next call. NULL: out of
 * memory. */
uint32_t *prof__interner_pair(prof_interner *interner, uint64_t first, uint64_t second);

#endif
