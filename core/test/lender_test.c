/* SPDX-License-Identifier: MIT */
/* lender_test.c - who gets a standing loan, and that whoever needs the object idle gets
 * it back. The goroutines are borrower.h's. */
#include "borrower.h"
#include "thing.h"

#define G borrower_identity(0)
#define H borrower_identity(1)

static thing object;

/* Lends `net` to G, or ends the trial where nothing can be lent. */
static void lend(borrower_net *net) {
    uint32_t answer = borrower_ask_on(net, G);
    if (answer == BELAY__LENDING_NEVER) {
        trial_skip("this system can't fence other threads");
    }
    assert_int_equal(answer, BELAY__LENDING_GRANTED);
    assert_true(thing_state(net->handle) == (net->ref | BELAY_STATE_LENT));
}

static borrower_net lent_one(belay_type type, thing *self) {
    borrower_net net = borrower_net_of(thing_own(type, self));
    lend(&net);
    return net;
}

static borrower_loan taken(borrower_net *net) {
    borrower_loan loan = {NULL};
    assert_status(BELAY_OK, borrower_borrow(net, G, &loan));
    assert_non_null(loan.by);
    return loan;
}

static uint32_t borrows(belay_handle handle) {
    belay_info info;
    assert_true(belay_peek(handle, &info));
    return info.borrow_count;
}

static void disown(belay_handle handle) {
    void *back = NULL;
    assert_status(BELAY_OK, belay_disown(handle, &back));
    assert_ptr_equal(back, &object);
}

static void disown_busy(belay_handle handle) {
    void *back = NULL;
    assert_status(BELAY_BUSY, belay_disown(handle, &back));
    assert_null(back);
}

/* Goal: the loan goes to who asks four times in a row. Method: ask, with another one in
 * between, and see when the state has LENT. */
TRIAL(granted_after_four_in_a_row) {
    borrower_net net = borrower_net_of(thing_own(thing_type(), &object));
    borrower_loan loan = {NULL};
    for (int i = 0; i < 7; i++) {
        bool is_last = i == 6;
        uint64_t who = i == 2 ? H : G;
        assert_status(BELAY_OK, borrower_borrow(&net, who, &loan));
        uint32_t answer = borrower_ask(&net, who, &loan);
        if (answer == BELAY__LENDING_NEVER) {
            trial_skip("this system can't fence other threads");
        }
        assert_int_equal(
                answer, is_last ? BELAY__LENDING_GRANTED : BELAY__LENDING_NOT_YET);
        assert_status(BELAY_OK, borrower_return(&net, who, &loan));
    }
    assert_true(thing_state(net.handle) == (net.ref | BELAY_STATE_LENT));
    assert_int_equal(borrows(net.handle), 0);
    borrower_loan loans[2] = {taken(&net), taken(&net)};
    assert_int_equal(borrows(net.handle), 2);
    for (int i = 0; i < 2; i++) {
        assert_status(BELAY_OK, borrower_return(&net, G, &loans[i]));
    }
    assert_status(BELAY_NOT_BORROWED, borrower_return(&net, G, &loans[0]));
    assert_status(BELAY_NOT_BORROWED, belay_return(net.handle));
    assert_int_equal(borrows(net.handle), 0);
}

/* Goal: a close takes an idle loan back and destroys, as if nothing were lent. Method: by
 * another thread, and by the lender. */
TRIAL(close_of_an_idle_one_destroys) {
    borrower_net net = lent_one(thing_type(), &object);
    int code = 5;
    assert_status(BELAY_OK, belay_close(net.handle, &code));
    assert_int_equal(code, 0);
    assert_int_equal(thing_destroyed(&object), 1);
    borrower_loan loan;
    assert_status(BELAY_CLOSED, borrower_borrow(&net, G, &loan));

    thing other = {0};
    net = lent_one(thing_type(), &other);
    uint32_t guard = 0;
    uint32_t is_ended = 0;
    assert_status(BELAY_OK,
            belay__bind_close(net.handle.bits, G, 0, 0, &code, &guard, &is_ended));
    assert_int_equal(is_ended, 1);
    assert_int_equal(thing_destroyed(&other), 1);
}

/* Goal: the last use of a closed lent object destroys it, whatever kind of borrow it was.
 * Method: close with two loans and a counted borrow out; return in every order. */
TRIAL(close_of_a_used_one_waits_for_all) {
    for (int last = 0; last < 3; last++) {
        thing self = {0};
        borrower_net net = lent_one(thing_type(), &self);
        borrower_loan loans[2] = {taken(&net), taken(&net)};
        thing_borrow(net.handle, &self);
        assert_status(BELAY_OK, belay_close(net.handle, NULL));
        assert_int_equal(thing_state(net.handle) & BELAY_STATE_LENT, 0);
        for (int i = 1; i <= 3; i++) {
            assert_int_equal(thing_destroyed(&self), 0);
            int which = (last + i) % 3;
            assert_status(BELAY_OK, which == 2 ? belay_return(net.handle)
                                               : borrower_return(&net, G, &loans[which]));
        }
        assert_int_equal(thing_destroyed(&self), 1);
        assert_status(BELAY_NOT_BORROWED, borrower_return(&net, G, &loans[0]));
        assert_status(BELAY_NOT_BORROWED, borrower_return(&net, H, &loans[0]));
    }
}

/* Goal: another goroutine may return a loan, once. Method: two loans, returned by another
 * before and after a close; more returns are refused and reported. */
TRIAL(returned_by_another) {
    belay_report_to(thing_report_sink, NULL);
    borrower_net net = lent_one(thing_type(), &object);
    borrower_loan loans[2] = {taken(&net), taken(&net)};
    assert_status(BELAY_OK, borrower_return(&net, H, &loans[0]));
    assert_int_equal(borrows(net.handle), 1);
    assert_status(BELAY_OK, belay_close(net.handle, NULL));
    assert_int_equal(thing_destroyed(&object), 0);
    assert_status(BELAY_OK, borrower_return(&net, H, &loans[1]));
    assert_int_equal(thing_destroyed(&object), 1);
    assert_int_equal(thing_reported(BELAY_REPORT_DOUBLE_RETURN), 0);
    assert_status(BELAY_NOT_BORROWED, borrower_return(&net, H, &loans[1]));
    assert_int_equal(thing_reported(BELAY_REPORT_DOUBLE_RETURN), 1);
}

TRIAL(returned_by_another_while_idle) {
    borrower_net net = lent_one(thing_type(), &object);
    borrower_loan loan = taken(&net);
    assert_status(BELAY_OK, borrower_return(&net, G, &loan));
    assert_status(BELAY_NOT_BORROWED, borrower_return(&net, H, &loan));
    loan = taken(&net);
    assert_status(BELAY_OK, belay_close(net.handle, NULL));
    assert_int_equal(thing_destroyed(&object), 0);
    assert_status(BELAY_OK, borrower_return(&net, G, &loan));
    assert_int_equal(thing_destroyed(&object), 1);
}

/* Goal: disown needs the object idle, lent or not. Method: disown one with a loan out,
 * and when it is back. */
TRIAL(disowned) {
    borrower_net net = lent_one(thing_type(), &object);
    borrower_loan loan = taken(&net);
    disown_busy(net.handle);
    disown_busy(net.handle);
    assert_status(BELAY_OK, borrower_return(&net, G, &loan));
    disown(net.handle);
    assert_int_equal(thing_destroyed(&object), 0);
    net = lent_one(thing_type(), &object);
    disown(net.handle);
    assert_int_equal(thing_destroyed(&object), 0);
}

/* Goal: what was recalled is not lent again, but its slot's next object is. Method: ask
 * on after a recall by another user, and after the end. */
TRIAL(lent_once) {
    uint32_t slot = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    belay_type type = thing_type();
    borrower_net net =
            borrower_net_of(thing_bind(slot, type, &object, (belay_handle){0}));
    lend(&net);
    assert_int_equal(borrower_ask_on(&net, H), BELAY__LENDING_SHARED);
    assert_true(thing_state(net.handle) == net.ref);
    assert_int_equal(borrower_ask_on(&net, H), BELAY__LENDING_NEVER);
    assert_int_equal(borrower_ask_on(&net, G), BELAY__LENDING_NEVER);
    assert_status(BELAY_OK, belay_close(net.handle, NULL));
    uint16_t former = net.lender;
    assert_true(former >= BELAY__LENDER_NEVER);
    net = borrower_net_of(thing_bind(slot, type, &object, (belay_handle){0}));
    net.lender = former;
    borrower_loan loan;
    assert_status(BELAY_OK, borrower_borrow(&net, H, &loan));
    assert_int_equal(borrower_ask(&net, H, &loan), BELAY__LENDING_NOT_YET);
    assert_status(BELAY_OK, borrower_return(&net, H, &loan));
    assert_int_equal(net.lender, 0);
    lend(&net);
    assert_int_not_equal(net.lender, 0);
}

/* Goal: an object that is used by others is taken back. Method: an ask by another with a
 * loan out; and many returns by another. */
TRIAL(shared_ones_are_recalled) {
    borrower_net net = lent_one(thing_type(), &object);
    borrower_loan loan = taken(&net);
    assert_int_equal(borrower_ask_on(&net, H), BELAY__LENDING_SHARED);
    assert_true(thing_state(net.handle) == net.ref + 1);
    assert_status(BELAY_OK, borrower_return(&net, G, &loan));
    assert_true(thing_state(net.handle) == net.ref);

    thing other = {0};
    net = lent_one(thing_type(), &other);
    for (int i = 0; i < 64; i++) {
        assert_true(thing_state(net.handle) == (net.ref | BELAY_STATE_LENT));
        loan = taken(&net);
        assert_status(BELAY_OK, borrower_return(&net, H, &loan));
    }
    assert_true(thing_state(net.handle) == net.ref);
}

static void not_lent(belay_handle handle, uint64_t ref) {
    borrower_net net = {.handle = handle, .ref = ref};
    borrower_loan loan;
    assert_status(BELAY_OK, borrower_borrow(&net, G, &loan));
    for (int i = 0; i < 8; i++) {
        assert_int_not_equal(borrower_ask(&net, G, &loan), BELAY__LENDING_GRANTED);
    }
    assert_int_equal(thing_state(handle) & BELAY_STATE_LENT, 0);
}

/* Goal: what many use is not asked for without end, since each borrow costs more
 * meanwhile. Method: two ask in turn. */
TRIAL(never_after_many_askers) {
    borrower_net net = borrower_net_of(thing_own(thing_type(), &object));
    uint32_t answer = BELAY__LENDING_NOT_YET;
    int asks = 0;
    for (; asks < 32 && answer == BELAY__LENDING_NOT_YET; asks++) {
        borrower_loan loan = {NULL};
        uint64_t who = asks % 2 == 0 ? G : H;
        assert_status(BELAY_OK, borrower_borrow(&net, who, &loan));
        answer = borrower_ask(&net, who, &loan);
        assert_status(BELAY_OK, borrower_return(&net, who, &loan));
        if (asks == 0 && answer == BELAY__LENDING_NEVER) {
            trial_skip("this system can't fence other threads");
        }
    }
    assert_int_equal(answer, BELAY__LENDING_NEVER);
    assert_int_equal(asks, 18);
    assert_int_equal(borrower_ask_on(&net, G), BELAY__LENDING_NEVER);
}

/* Goal: only an object that is as it was opened, and borrowed by the asker alone, is
 * lent. Method: ask for others. */
TRIAL(not_lent_otherwise) {
    thing things[6] = {{0}};
    belay_type type = thing_type();
    borrower_net net = lent_one(type, &object);
    belay_handle handle = thing_own(type, &things[0]);
    thing_borrow(handle, &things[0]);
    not_lent(handle, thing_state(handle) & ~BELAY_STATE_BORROWS);

    handle = thing_own(type, &things[1]);
    uint64_t ref = thing_state(handle);
    (void)thing_own_below(type, &things[2], handle);
    not_lent(handle, ref);

    belay_type guarded =
            thing_type_of((belay_type_options){.guard = BELAY_GUARD_EXCLUSIVE});
    handle = thing_own(guarded, &things[3]);
    not_lent(handle, thing_state(handle));

    handle = thing_own(type, &things[4]);
    ref = thing_state(handle);
    thing_borrow(handle, &things[4]);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    net = (borrower_net){.handle = handle, .ref = ref};
    borrower_loan loan = {NULL};
    for (int i = 0; i < 8; i++) {
        assert_int_not_equal(borrower_ask(&net, G, &loan), BELAY__LENDING_GRANTED);
    }
}

/* Goal: one goroutine gets eight loans at most; one that ended makes room. Method: lend
 * until it is not lent any more. */
TRIAL(eight_at_most) {
    static thing things[16];
    borrower_net nets[16];
    belay_type type = thing_type();
    int lent = 0;
    for (int i = 0; i < 16; i++) {
        nets[i] = borrower_net_of(thing_own(type, &things[i]));
        uint32_t answer = borrower_ask_on(&nets[i], G);
        if (answer == BELAY__LENDING_NEVER) {
            trial_skip("this system can't fence other threads");
        }
        lent += answer == BELAY__LENDING_GRANTED;
    }
    assert_in_range(lent, 7, 8);
    assert_int_not_equal(borrower_ask_on(&nets[15], G), BELAY__LENDING_GRANTED);
    assert_status(BELAY_OK, belay_close(nets[0].handle, NULL));
    assert_int_equal(borrower_ask_on(&nets[15], G), BELAY__LENDING_GRANTED);
}

/* Goal: a cascade destroys lent children that are idle, and waits for those in use.
 * Method: a family with both, closed from the top. */
TRIAL(children_are_recalled) {
    thing things[3] = {{0}};
    belay_type type = thing_type();
    belay_handle parent = thing_own(type, &things[0]);
    borrower_net idle = borrower_net_of(thing_own_below(type, &things[1], parent));
    borrower_net used = borrower_net_of(thing_own_below(type, &things[2], parent));
    lend(&idle);
    lend(&used);
    borrower_loan loan = taken(&used);
    assert_status(BELAY_OK, belay_close(parent, NULL));
    assert_int_equal(thing_destroyed(&things[1]), 1);
    assert_int_equal(thing_destroyed(&things[2]), 0);
    assert_int_equal(thing_destroyed(&things[0]), 0);
    assert_status(BELAY_OK, borrower_return(&used, G, &loan));
    assert_int_equal(thing_destroyed(&things[2]), 1);
    assert_int_equal(thing_destroyed(&things[0]), 1);
    assert_true(things[2].order < things[0].order);
}

/* Goal: a lent child can be disowned, and a lent parent ends after its children. Method:
 * both. */
TRIAL(lent_kin) {
    thing things[2] = {{0}};
    belay_type type = thing_type();
    borrower_net parent = borrower_net_of(thing_own(type, &things[0]));
    lend(&parent);
    borrower_net child = borrower_net_of(thing_own_below(type, &object, parent.handle));
    lend(&child);
    disown(child.handle);
    (void)thing_own_below(type, &things[1], parent.handle);
    disown_busy(parent.handle);
    assert_status(BELAY_OK, belay_close(parent.handle, NULL));
    assert_int_equal(things[1].order, 1);
    assert_int_equal(things[0].order, 2);
}

static void destroy_many(void *context, void *const *objects, int *codes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        codes[i] = thing_destroy(context, objects[i]);
    }
}

/* Goal: the net destroys what is lent and forgotten. Method: with and without a
 * destructor for many. */
TRIAL(net_recalls) {
    thing things[2] = {{0}};
    uint32_t slot = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    belay_type types[2] = {thing_type(),
            thing_type_of((belay_type_options){.destroy_many = destroy_many})};
    for (uint32_t i = 0; i < 2; i++) {
        borrower_net net = borrower_net_of(
                thing_bind(slot + i, types[i], &things[i], (belay_handle){0}));
        lend(&net);
        belay__bind_dead(slot + i, 1);
        assert_status(BELAY_OK, belay_drain(UINT64_MAX));
        assert_int_equal(thing_destroyed(&things[i]), 1);
        assert_int_equal(thing_stats(types[i]).rescued, 1);
    }
}

TRIAL(shutdown_recalls) {
    (void)lent_one(thing_type(), &object);
    belay_remains remains;
    assert_status(BELAY_OK, belay_shutdown(0, &remains));
    assert_int_equal(remains.leaked, 1);
    assert_int_equal(remains.held, 0);
    assert_int_equal(thing_destroyed(&object), 1);
}

/* Goal: a standing loan leaves room to become one more borrow. Method: as many borrows as
 * there may be beside it, then a recall. */
TRIAL(counts_as_one_of_the_borrows) {
    borrower_net net = lent_one(thing_type(), &object);
    borrower_loan loan = taken(&net);
    for (uint64_t i = 1; i < BELAY_STATE_COUNT; i++) {
        thing_borrow(net.handle, &object);
    }
    void *lent = NULL;
    assert_status(BELAY_TOO_MANY_BORROWS, belay_borrow(net.handle, &lent));
    assert_status(BELAY_OK, belay_close(net.handle, NULL));
    for (uint64_t i = 1; i < BELAY_STATE_COUNT; i++) {
        assert_status(BELAY_OK, belay_return(net.handle));
    }
    assert_int_equal(thing_destroyed(&object), 0);
    assert_status(BELAY_OK, borrower_return(&net, G, &loan));
    assert_int_equal(thing_destroyed(&object), 1);
}

/* Goal: in the child of a fork nobody lends, and what was lent can be destroyed. Method:
 * fork with a standing loan, close it there. */
TRIAL(child_of_a_fork_recalls) {
    borrower_net net = lent_one(thing_type(), &object);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        thing other = {0};
        belay_status status = belay_close(net.handle, NULL);
        borrower_net late = borrower_net_of(thing_own(thing_type(), &other));
        bool is_lent = borrower_ask_on(&late, G) != BELAY__LENDING_NEVER;
        _exit(status != BELAY_OK || thing_destroyed(&object) != 1 || is_lent);
    }
    int status = 1;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_int_equal(status, 0);
    assert_status(BELAY_OK, belay_close(net.handle, NULL));
    assert_int_equal(thing_destroyed(&object), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(granted_after_four_in_a_row),
            cmocka_unit_test(close_of_an_idle_one_destroys),
            cmocka_unit_test(close_of_a_used_one_waits_for_all),
            cmocka_unit_test(returned_by_another),
            cmocka_unit_test(returned_by_another_while_idle),
            cmocka_unit_test(disowned),
            cmocka_unit_test(lent_once),
            cmocka_unit_test(shared_ones_are_recalled),
            cmocka_unit_test(never_after_many_askers),
            cmocka_unit_test(not_lent_otherwise),
            cmocka_unit_test(eight_at_most),
            cmocka_unit_test(children_are_recalled),
            cmocka_unit_test(lent_kin),
            cmocka_unit_test(net_recalls),
            cmocka_unit_test(shutdown_recalls),
            cmocka_unit_test(counts_as_one_of_the_borrows),
            cmocka_unit_test(child_of_a_fork_recalls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
