/* SPDX-License-Identifier: MIT */
/* handle.h - the operations on handles, with the identity and the site of the caller. */
#ifndef BELAY__HANDLE_H
#define BELAY__HANDLE_H

#include "guard.h"
#include "lender.h"

/* What belay_own does, in the free slot `index`. */
belay_status belay__handle_open(uint32_t index, uint32_t type, void *object,
        uint64_t size_bytes, belay_handle parent, uint32_t site, uint64_t flags,
        belay_handle *out_handle);

/* Who calls, and what becomes of waiting. */
typedef struct belay__caller {
    uint64_t identity;
    uint32_t site;
    belay__guard_wait wait; /* WAIT or NOTE */
    uint32_t guard; /* out, with BUSY: the guard that a foreign waiter was noted for;
                       after a return: one whose foreign waiter is to be told, or 0 */
} belay__caller;

belay_status belay__handle_borrow(
        belay_handle handle, belay__caller *caller, void **out_object);
belay_status belay__handle_return(belay_handle handle, belay__caller *caller);

/* What a lender does through the core: asks (belay__lender_ask; SHARED: it was recalled),
 * settles, and, by another than the lender, returns. */
belay__lending belay__handle_lend(
        uint32_t index, uint64_t ref, const belay__caller *caller, uint16_t *out_lender);
void belay__handle_settle(
        belay_handle handle, uint32_t lender, const belay__caller *caller);
belay_status belay__handle_return_lent(
        belay_handle handle, uint32_t lender, const belay__caller *caller);

belay_status belay__handle_close(
        belay_handle handle, belay__caller *caller, int *out_code, bool *out_is_done);
belay_status belay__handle_disown(
        belay_handle handle, const belay__caller *caller, void **out_object);

/* True if the caller is inside the guard that the end of the object would need. */
bool belay__handle_is_inside(belay_handle handle, uint64_t identity);

#endif
