/* SPDX-License-Identifier: MIT */
/* lender.h - standing loans: objects that one goroutine borrows again and again.
 *
 *   asked for -> LENT, the goroutine counts for itself -> recalled -> given back
 *
 * A standing loan is one borrow, the flag LENT of the state. While the state is exactly
 * as it was lent, the goroutine's borrows and returns change its own record alone, by
 * plain stores; whoever needs the object idle takes the loan back first. Why no locked
 * instruction is needed: docs/internals/lending.md. */
#ifndef BELAY__LENDER_H
#define BELAY__LENDER_H

#include "table.h"

#define BELAY__LENDERS 4096u /* records that can be somebody's, but for number 0 */
#define BELAY__ROW_NEVER UINT16_MAX

/* In place of a record's number, with the low bits of the generation: this object is lent
 * to nobody. Such records are there, so that who reads the number need not ask. */
#define BELAY__LENDER_NEVER BELAY__LENDERS

/* What has become of the object of a record. */
enum {
    BELAY__LENDER_FREE = 0,     /* none is lent */
    BELAY__LENDER_LENT = 1,     /* the state has LENT */
    BELAY__LENDER_RECALLED = 2, /* the loan is a counted borrow; its goroutine may not
                                   know yet */
    BELAY__LENDER_OWED = 3      /* it knows: who gives the last loan back gives it back */
};

/* One loan of one goroutine, a cache line. Go's fast path reads and writes it. */
typedef struct belay__lender {
    uint64_t self;    /* identity of the goroutine, for good; 0: nobody's yet */
    uint64_t lent;    /* loans it took less those it gave back; only it writes */
    uint64_t foreign; /* its loans that others gave back; under the lock */
    uint64_t handle;  /* of the object; 0: none */
    uint32_t status;  /* BELAY__LENDER_*; under the lock */
    uint32_t padding[7];
} belay__lender;

typedef enum belay__lending {
    BELAY__LENDING_NOT_YET,
    BELAY__LENDING_GRANTED,
    BELAY__LENDING_NEVER, /* asking for this object again is in vain */
    BELAY__LENDING_SHARED /* it is another's: to be recalled */
} belay__lending;

/* The records, and as many again that are nobody's. */
belay__lender *belay__lender_records(void);

/* Asks for a standing loan of the object in the slot `index`, which the caller has just
 * borrowed from the state `ref` (generation and flags). GRANTED: that borrow is its first
 * loan, the state is ref | LENT, and *out_lender, the record's number, was written before
 * it was. NEVER: it is BELAY__LENDER_NEVER with the generation. NOT_YET: 0. */
belay__lending belay__lender_ask(
        uint32_t index, uint64_t ref, uint64_t identity, uint16_t *out_lender);

/* Takes the standing loan of an object back. True: it was idle, and the caller has a
 * counted borrow, to be given back. False: none is lent, or it is in use, and the last
 * use gives the borrow back. identity: of the caller. */
bool belay__lender_recall(belay_handle handle, uint64_t identity);

/* What the lender itself calls after it took one from `lent` and saw that the state has
 * changed. True: the loan was recalled, and the caller has its borrow, to be given back.
 */
bool belay__lender_settle(uint32_t lender, belay_handle handle);

/* Takes a loan back from another than its lender. NOT_BORROWED: none is out.
 *
 * out_is_last    true: it was the last one; as for belay__lender_settle
 * out_is_shared  true: the object should be recalled */
belay_status belay__lender_return(
        uint32_t lender, belay_handle handle, bool *out_is_last, bool *out_is_shared);

/* How many loans of a LENT object are out. */
uint32_t belay__lender_loans(uint32_t index);

#endif
