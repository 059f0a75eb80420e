/* SPDX-License-Identifier: MIT */
/* borrower.h - a goroutine that borrows, as lend.go and borrow.go do it: the model of the
 * frequent half of standing loans, for tests of the rare one. */
#ifndef BELAY_TEST_BORROWER_H
#define BELAY_TEST_BORROWER_H

#include "belay/belay.h"
#include "binding.h"

/* The object as Go sees it: its net. */
typedef struct borrower_net {
    belay_handle handle;
    uint64_t ref; /* the state that it was opened in */
    uint16_t lender;
} borrower_net;

typedef struct borrower_loan {
    belay__lender *by; /* NULL: a counted borrow */
} borrower_loan;

static inline uint64_t borrower_identity(int which) {
    return ((uint64_t)which + 1) << 20 | BELAY__IDENTITY_FOREIGN;
}

static inline borrower_net borrower_net_of(belay_handle handle) {
    uint64_t state = belay__load(&belay__bind_slot(belay__handle_index(handle))->state);
    return (borrower_net){.handle = handle, .ref = state};
}

/* Notes a loan that was counted when the object was not lent any more, or given back. */
static inline void borrower_settle(
        const borrower_net *net, belay__lender *by, uint64_t identity) {
    belay__bind_settle_lent(
            net->handle.bits, (uint32_t)(by - belay__bind_lenders()), identity, 0);
}

/* A borrow from a standing loan. False: the object is not lent to this one. */
static inline bool borrower_take(
        borrower_net *net, uint64_t identity, borrower_loan *out_loan) {
    belay__slot *slot = belay__bind_slot(belay__handle_index(net->handle));
    uint64_t used = net->ref | BELAY_STATE_LENT;
    if (belay__load(&slot->state) != used) {
        return false;
    }
    belay__lender *by = &belay__bind_lenders()[belay__get(&net->lender)];
    if (belay__get(&by->self) != identity) {
        return false;
    }
    belay__store_relaxed(&by->lent, belay__get(&by->lent) + 1);
    if (belay__load(&slot->state) == used) {
        out_loan->by = by;
        return true;
    }
    belay__store(&by->lent, belay__get(&by->lent) - 1);
    borrower_settle(net, by, identity);
    return false;
}

/* Any borrow. */
static inline belay_status borrower_borrow(
        borrower_net *net, uint64_t identity, borrower_loan *out_loan) {
    void *object = NULL;
    out_loan->by = NULL;
    return borrower_take(net, identity, out_loan) ? BELAY_OK
                                                  : belay_borrow(net->handle, &object);
}

/* Asks, with a counted borrow in hand, which may become part of a standing loan. */
static inline uint32_t borrower_ask(
        borrower_net *net, uint64_t identity, borrower_loan *loan) {
    uint32_t answer = belay__bind_lend(
            belay__handle_index(net->handle), net->ref, identity, &net->lender);
    if (answer == BELAY__LENDING_GRANTED) {
        loan->by = &belay__bind_lenders()[net->lender];
    }
    return answer;
}

static inline belay_status borrower_return(
        borrower_net *net, uint64_t identity, const borrower_loan *loan) {
    belay__slot *slot = belay__bind_slot(belay__handle_index(net->handle));
    belay__lender *by = loan->by;
    if (by == NULL) {
        return belay_return(net->handle);
    }
    if (belay__get(&by->self) != identity) {
        return belay__bind_return_lent(
                net->handle.bits, (uint32_t)(by - belay__bind_lenders()), identity, 0);
    }
    if (belay__get(&by->handle) != net->handle.bits ||
            belay__get(&by->lent) == belay__get(&by->foreign)) {
        return BELAY_NOT_BORROWED;
    }
    belay__store(&by->lent, belay__get(&by->lent) - 1);
    if (belay__load(&slot->state) != (net->ref | BELAY_STATE_LENT)) {
        borrower_settle(net, by, identity);
    }
    return BELAY_OK;
}

/* Borrows, asks and returns until the answer is neither "not yet". Returns it. */
static inline uint32_t borrower_ask_on(borrower_net *net, uint64_t identity) {
    uint32_t answer = BELAY__LENDING_NOT_YET;
    for (int i = 0; i < 16 && answer == BELAY__LENDING_NOT_YET; i++) {
        borrower_loan loan;
        if (borrower_borrow(net, identity, &loan) != BELAY_OK) {
            return answer;
        }
        answer = borrower_ask(net, identity, &loan);
        (void)borrower_return(net, identity, &loan);
    }
    return answer;
}

#endif
