/* SPDX-License-Identifier: MIT */
/* end.h - the end of an object: its destructor, and what follows from its code.
 *
 *   closed and unused -> claimed -> destructor -> gone (slot free) or open again */
#ifndef BELAY__END_H
#define BELAY__END_H

#include "family.h"
#include "guard.h"

/* Who ends an object, and how it went for the one that was asked for. */
typedef struct belay__ending {
    uint64_t identity;
    uint32_t site;          /* where it was closed */
    belay__guard_wait wait; /* for a guard: sleep, or park the claimed object on it */
    bool is_late;           /* nobody waits for the result: a bad one is reported */
    bool is_done;           /* out: the object asked for has ended, or is open again */
    belay_status
            status; /* out, with is_done: OK, REFUSED, DESTROY_FAILED, WRONG_THREAD */
    int code;       /* out, with is_done: of its destructor */
} belay__ending;

/* Ends a closed object if nothing uses it: its children first, then itself, then the
 * parent that waited for it, and so on. Does nothing if it is not ready. */
void belay__end(belay_handle handle, belay__ending *ending);

/* One step of it (belay__family_advance), for which a standing loan is taken back. */
belay__family_step belay__end_advance(
        belay_handle handle, uint64_t identity, belay_handle *out_child);

/* Goes on with an object that was claimed before: runs its destructor and what follows.
 */
void belay__end_claimed(uint32_t index, belay__ending *ending);

/* After the destructor: counts, reports, frees the slot or opens the object again, tells
 * who waits. verdict: from belay__type_judge. Does not go on with the parent. */
belay_status belay__end_settle(
        uint32_t index, belay_on_error verdict, int code, const belay__ending *ending);

/* The same, and goes on with the parent. */
belay_status belay__end_finish(
        uint32_t index, belay_on_error verdict, int code, belay__ending *ending);

/* Ends a claimed object without its destructor: it goes back to the program. */
void belay__end_disown(uint32_t index, uint64_t identity, uint32_t site);

#endif
