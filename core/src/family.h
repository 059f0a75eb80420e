/* SPDX-License-Identifier: MIT */
/* family.h - parents and children: rings, and who may be destroyed next.
 *
 * Every change of a ring, of the KIN flag and of CLOSED on an object with KIN happens
 * under the family's lock. Ring: first_child is the newest; next leads to older ones;
 * previous of the first is the last. Closed children are at the end, so that the first
 * is open unless all are closed. */
#ifndef BELAY__FAMILY_H
#define BELAY__FAMILY_H

#include "table.h"
#include "type.h"

typedef enum belay__family_step {
    BELAY__STEP_NOTHING, /* gone, open, in use, waiting, or another thread has it */
    BELAY__STEP_DESCEND, /* out: a child, now closed and maybe idle, to go on with */
    BELAY__STEP_CLAIMED  /* ours to destroy: DYING is set */
} belay__family_step;

/* Puts the free slot `index`, with its row filled, below its parent and makes it live
 * with `state`. CLOSED: the parent takes no children; WRONG_THREAD: it is pinned to
 * another. */
belay_status belay__family_adopt(uint32_t index, uint64_t state, belay_handle parent);

/* Takes an ended object out of its parent's ring. */
void belay__family_leave(uint32_t index);

/* Marks an object closed, with NETTED or other flags if asked. False: it was closed, or
 * is gone. out_state: what it is now. */
bool belay__family_close(belay_handle handle, uint64_t flags, uint64_t *out_state);

/* Takes a closed object one step towards its end. */
belay__family_step belay__family_advance(belay_handle handle, belay_handle *out_child);

/* Opens a closed object again: one that refused, or one whose child did. from: flags it
 * has now (DYING, or 0 for one that waits). False: it is not in that state any more.
 * out_state: what it is now; who set WATCHED before is in it, who comes later finds it
 * open. */
bool belay__family_reopen(belay_handle handle, uint64_t from, uint64_t *out_state);

/* Claims an open, idle object with kin that has no children, to give it back: CLOSED and
 * DYING are set. BUSY: it is borrowed or has children. CLOSED: it is. */
belay_status belay__family_claim_childless(belay_handle handle);

#endif
