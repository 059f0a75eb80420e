/* SPDX-License-Identifier: MIT */
/* rescue.h - destroys what the net found: the dead slots of groups, one run of the queue
 * at a time.
 *
 *   begin -> groups, groups, ... -> end
 *
 * A run gathers what is told, counted or destroyed together, so it belongs to one thread.
 */
#ifndef BELAY__RESCUE_H
#define BELAY__RESCUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report.h"
#include "slot.h"
#include "type.h"

typedef struct belay__rescue {
    belay__mistake told;    /* rescues of one type and line; count 0: none yet */
    uint64_t told_bytes;    /* of theirs, not yet accounted */
    belay__type *type;      /* of told; NULL: no line yet */
    belay__type *many_type; /* claimed objects for one call of destroy_many */
    size_t many_count;
    uint32_t many[BELAY_BATCH_MAX];
    uint64_t freed; /* slots of the group in hand that are free and not given back yet */
    bool is_quick;  /* nothing is kept of single objects: the tight loop may be used */
    bool is_first;  /* no other run goes on: `taken` of the groups is its own */
} belay__rescue;

/* From now on, until as many calls of _tell_all, each object is ended on its own: a
 * shutdown tells leaks, and which are rescues is decided one by one (belay__end_settle).
 * A run that goes on meanwhile is not changed. */
void belay__rescue_tell_each(void);
void belay__rescue_tell_all(void);

/* To be asked before anybody gets, or acts by, the handle of a live object that he was
 * not given when it was opened: before `belay_live` shows it, a report names it, a
 * shutdown closes it. Of what Go forgot, nobody else can know the handle; so until this
 * is asked, the net's tight loop claims objects of the type by plain stores, and from now
 * on by exchanges. False: it may come to this one right now, which is as good as closed:
 * its handle must not be used. */
bool belay__rescue_may_name(uint32_t index);

void belay__rescue_begin(belay__rescue *rescue);

/* Handles the dead slots of groups, whose first ones are `firsts`, and gives back those
 * that are free. Returns how many were dead. */
uint32_t belay__rescue_groups(
        belay__rescue *rescue, const uint32_t *firsts, uint32_t count);

/* Destroys and tells what was gathered. */
void belay__rescue_end(belay__rescue *rescue);

/* Goes on with a claimed object whose guard became free. */
void belay__rescue_claimed(uint32_t index);

#endif
