/* SPDX-License-Identifier: MIT */
/* lender_scenarios.c - what is explored of standing loans. G is the lender's goroutine, H
 * another one; what they do is borrower.h's model of Go's fast paths. */
#include "../borrower.h"
#include "item.h"
#include "scenarios.h"
#include "steps.h"

static const belay_type_options plain = {0};
static borrower_net nets[3];
static borrower_loan held; /* what setup took, of item 0 */
static belay_status disowned;

static uint64_t g(void) {
    return borrower_identity(0);
}

static uint64_t h(void) {
    return borrower_identity(1);
}

static void lend(int place) {
    nets[place] = borrower_net_of(items[place].handle);
    require(borrower_ask_on(&nets[place], g()) == BELAY__LENDING_GRANTED);
}

static void lent(void) {
    item_own(0, item_type(plain), -1);
    lend(0);
}

static void lent_and_used(void) {
    lent();
    require(borrower_borrow(&nets[0], g(), &held) == BELAY_OK);
    items[0].lent++;
}

/* Asked for three times: the fourth is granted. */
static void nearly_lent(void) {
    borrower_loan loan;
    item_own(0, item_type(plain), -1);
    nets[0] = borrower_net_of(items[0].handle);
    for (int i = 0; i < 3; i++) {
        require(borrower_borrow(&nets[0], g(), &loan) == BELAY_OK);
        require(borrower_ask(&nets[0], g(), &loan) == BELAY__LENDING_NOT_YET);
        require(borrower_return(&nets[0], g(), &loan) == BELAY_OK);
    }
}

/* A parent whose only child is lent. */
static void lent_child(void) {
    belay_type type = item_type(plain);
    item_own(0, type, -1);
    item_own(1, type, 0);
    lend(1);
}

static void lent_child_beside_another(void) {
    belay_type type = item_type(plain);
    item_own(0, type, -1);
    item_own(1, type, 0);
    item_own(2, type, 0);
    lend(1);
}

/* Borrows, looks, returns; asks in between, if told to. */
static bool use(int place, uint64_t who, bool asks) {
    item *self = &items[place];
    borrower_loan loan;
    belay_status status = borrower_borrow(&nets[place], who, &loan);
    if (status != BELAY_OK) {
        require(status == BELAY_CLOSED);
        return false;
    }
    self->lent++;
    require(self->destroyed == 0 && !self->is_dying);
    if (asks) {
        (void)borrower_ask(&nets[place], who, &loan);
    }
    belay__explore_point("use");
    require(self->destroyed == 0 && !self->is_dying);
    self->lent--;
    require(borrower_return(&nets[place], who, &loan) == BELAY_OK);
    return true;
}

static void g_uses_0(void) {
    (void)use(0, g(), false);
}

static void g_uses_0_twice(void) {
    (void)use(0, g(), false);
    (void)use(0, g(), false);
}

static void g_uses_1(void) {
    (void)use(1, g(), false);
}

static void g_uses_1_twice(void) {
    (void)use(1, g(), false);
    (void)use(1, g(), false);
}

static void g_uses_0_and_asks(void) {
    (void)use(0, g(), true);
}

static void h_uses_0_and_asks(void) {
    (void)use(0, h(), true);
}

static void g_returns_held(void) {
    items[0].lent--;
    require(borrower_return(&nets[0], g(), &held) == BELAY_OK);
}

static void h_returns_held(void) {
    items[0].lent--;
    require(borrower_return(&nets[0], h(), &held) == BELAY_OK);
}

/* A copy of what G has returned, or is about to: at most one of the two counts. */
static void g_returns_held_too(void) {
    items[0].lent = 0;
    (void)borrower_return(&nets[0], g(), &held);
    require(borrower_return(&nets[0], g(), &held) == BELAY_NOT_BORROWED);
}

/* The lender itself closes: without a fence. */
static void g_uses_and_closes_0(void) {
    int code = 0;
    uint32_t guard = 0;
    uint32_t is_ended = 0;
    (void)use(0, g(), false);
    require(belay__bind_close(items[0].handle.bits, g(), 0, 0, &code, &guard,
                    &is_ended) == BELAY_OK);
    (void)use(0, g(), false);
}

static void disown_0(void) {
    void *object = NULL;
    disowned = belay_disown(items[0].handle, &object);
    require(object == (disowned == BELAY_OK ? &items[0] : NULL));
}

static void disown_check(void) {
    if (disowned == BELAY_BUSY) {
        item_close(0, BELAY_OK);
    }
    require(items[0].destroyed == (disowned != BELAY_OK));
    items[0].destroyed = 1;
    item_require_gone(1);
}

/* Only a close is never refused for being busy. */
static void disown_close_check(void) {
    require(items[0].destroyed == (disowned != BELAY_OK));
    items[0].destroyed = 1;
    item_require_gone(1);
}

static void close_1_check(void) {
    item_close(0, BELAY_OK);
    gone_1();
}

/* Nothing is left lent or owed: G may have its records again. */
static void records_free(void) {
    for (uint32_t i = 0; i < BELAY__LENDERS; i++) {
        const belay__lender *record = &belay__bind_lenders()[i];
        require(record->status == BELAY__LENDER_FREE && record->handle == 0);
        require(record->lent == record->foreign);
    }
}

static void lent_gone_1(void) {
    gone_1();
    records_free();
}

static void lent_gone_2(void) {
    gone_2();
    records_free();
}

static void lent_gone_3(void) {
    gone_3();
    records_free();
}

/* An object that G was lent, in a slot that has another one by then. */
static void close_0_and_own_again(void) {
    item_close(0, BELAY_OK);
    require(belay_own((belay_type){1}, &items[1], NULL, &items[1].handle) == BELAY_OK);
}

static void again_check(void) {
    require(items[1].destroyed == 0);
    item_close(1, BELAY_OK);
    lent_gone_2();
}

const explorer_scenario lender_scenarios[] = {
        {"lent: used, closed", lent, {g_uses_0_twice, close_0}, lent_gone_1, false, 0},
        {"lent: in use, returned, closed", lent_and_used, {g_returns_held, close_0},
                lent_gone_1, false, 0},
        {"lent: in use, returned twice, closed", lent_and_used,
                {g_returns_held_too, close_0}, lent_gone_1, false, 0},
        {"lent: closed by its lender and another", lent, {g_uses_and_closes_0, close_0},
                lent_gone_1, false, 0},
        {"lent: used, counted use, closed", lent, {g_uses_0, use_0, close_0}, lent_gone_1,
                false, 3},
        {"lent: returned by another, used, closed", lent_and_used,
                {h_returns_held, g_uses_0, close_0}, lent_gone_1, false, 3},
        {"lent: used, shared, closed", lent, {g_uses_0, h_uses_0_and_asks, close_0},
                lent_gone_1, false, 3},
        {"lent: used, disowned", lent, {g_uses_0_twice, disown_0}, disown_check, false,
                0},
        {"lent: used, disowned, closed", lent, {g_uses_0, disown_0, close_0},
                disown_close_check, false, 3},
        {"lent: used, close waits", lent, {g_uses_0_twice, close_wait_0}, lent_gone_1,
                false, 0},
        {"lent: used, closed, slot used again", lent,
                {g_uses_0_twice, close_0_and_own_again}, again_check, false, 0},
        {"lent: granted, closed", nearly_lent, {g_uses_0_and_asks, close_0}, lent_gone_1,
                false, 0},
        {"lent: granted, used, closed", nearly_lent,
                {g_uses_0_and_asks, h_uses_0_and_asks, close_0}, lent_gone_1, false, 3},
        {"lent: granted, disowned", nearly_lent, {g_uses_0_and_asks, disown_0},
                disown_check, false, 0},
        {"lent: granted, used", nearly_lent, {g_uses_0_and_asks, use_0}, close_1_check,
                false, 0},
        {"lent: child used, cascade", lent_child, {g_uses_1_twice, close_0}, lent_gone_2,
                false, 0},
        {"lent: child used, cascade, child closed", lent_child,
                {g_uses_1, close_0, close_1}, lent_gone_2, false, 3},
        {"lent: child used twice, cascade", lent_child, {g_uses_1, use_1, close_0},
                lent_gone_2, false, 3},
        {"lent: child used, cascade, other closed", lent_child_beside_another,
                {g_uses_1, close_0, close_2}, lent_gone_3, false, 3},
};
const int lender_scenario_count =
        (int)(sizeof lender_scenarios / sizeof *lender_scenarios);
