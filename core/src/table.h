/* SPDX-License-Identifier: MIT */
/* table.h - the slots of all objects, in segments that never move.
 *
 *   fresh group -> core stripe or a net of Go -> used, free, used ... -> recycled group
 */
#ifndef BELAY__TABLE_H
#define BELAY__TABLE_H

#include "slot.h"

/* Returns the slot of an index, or NULL beyond the table. */
belay__slot *belay__table_slot(uint32_t index);

/* The same for an index known to be good. */
belay__cold *belay__table_cold(uint32_t index);
belay__group *belay__table_group(uint32_t index);

/* Takes a free slot for belay_own. 0 and a status on failure. */
uint32_t belay__table_take(belay_status *out_status);

/* Gives a free slot back to whoever hands it out. */
void belay__table_give(uint32_t index);

/* Takes a group of 64 slots. 0 and a status on failure. */
uint32_t belay__table_group_take(uint32_t kind, belay_status *out_status);

/* Shared groups, all of whose slots are free and given back by nobody else. */
typedef struct belay__table_chain {
    uint32_t first; /* 0: none */
    uint32_t last;
} belay__table_chain;

/* The nets of the slots `dead` of the group at `first` are dead: recycles the ones that
 * are free, now or when they are. freed: of them, free and not given back yet. whole: a
 * group of such alone is put there instead, for belay__table_recycle. */
void belay__table_orphan(
        uint32_t first, uint64_t dead, uint64_t freed, belay__table_chain *whole);

/* Recycles them. */
void belay__table_recycle(const belay__table_chain *whole);

/* Takes a free EXACT slot without a net. 0: none. */
uint32_t belay__table_single_take(void);

/* One above the highest index in use so far. */
uint32_t belay__table_end(void);

#endif
