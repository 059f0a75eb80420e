/* SPDX-License-Identifier: MIT */
/* ledger.h - the shared memory that everything is kept in. Layout: belay/ledger.h. */
#ifndef BELAY__LEDGER_H
#define BELAY__LEDGER_H

#include <stddef.h>

#include "belay/ledger.h"

/* BELAY_LEDGER; NULL: unset or empty. */
const char *belay__ledger_wish(void);

/* Makes the ledger, as BELAY_LEDGER says; never fails: the last resort is static memory.
 * Called once. */
void belay__ledger_start(void);

/* Reports, once, that the ledger could not be shared. */
void belay__ledger_tell_lost(void);

/* An object was opened: the program did not end after all. */
void belay__ledger_goes_on(void);

/* The header; good after belay__ledger_start. */
belay_ledger_header *belay__ledger_head(void);

/* Adds a segment and returns its zeroed rows, for ever. Private memory when the file
 * can't grow (reported as ledger-lost). NULL: no memory at all. */
void *belay__ledger_segment_add(
        uint32_t kind, uint32_t first, uint32_t count, uint32_t stride);

/* Milliseconds since the start, to a few ms. */
uint64_t belay__now_ms(void);

/* The age of an object by the stamp in its row. */
uint32_t belay__age_ms(uint32_t opened_ms);

#endif
