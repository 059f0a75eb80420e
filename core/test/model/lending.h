/* SPDX-License-Identifier: MIT */
/* lending.h - standing loans of the objects of a sequence. The model knows borrows only:
 * whose they are, and how they are counted, must make no difference to it. */
#ifndef BELAY_TEST_LENDING_H
#define BELAY_TEST_LENDING_H

#include "../borrower.h"

#define LENDING_LOANS 4

/* What the goroutine of a place has out. */
typedef struct lending {
    borrower_net net;
    borrower_loan loans[LENDING_LOANS];
    int count;
} lending;

static inline uint64_t lending_identity(bool is_other) {
    return borrower_identity(is_other ? 1 : 0);
}

static inline uint64_t lending_state(const lending *self) {
    return belay__load(&belay__bind_slot(belay__handle_index(self->net.handle))->state);
}

/* Asks for the loan, or as another one, which has it recalled. */
static inline void lending_ask(lending *self, bool is_other) {
    if (!(lending_state(self) & BELAY_STATE_SLOW)) {
        (void)borrower_ask_on(&self->net, lending_identity(is_other));
    }
}

/* Takes a loan, if it is lent. */
static inline bool lending_take(lending *self) {
    borrower_loan *loan = &self->loans[self->count];
    if (self->count == LENDING_LOANS ||
            !borrower_take(&self->net, lending_identity(false), loan)) {
        return false;
    }
    self->count++;
    return true;
}

/* Gives the last one back, on its goroutine or another. */
static inline belay_status lending_give(lending *self, bool is_other) {
    return borrower_return(
            &self->net, lending_identity(is_other), &self->loans[--self->count]);
}

/* The borrows that the state says, with all loans of the goroutine for the one it is. */
static inline uint32_t lending_borrows(const lending *self, uint64_t state) {
    uint32_t one = self->count > 0 && !(state & BELAY_STATE_LENT);
    return belay__state_count(state) - one + (uint32_t)self->count;
}

#endif
