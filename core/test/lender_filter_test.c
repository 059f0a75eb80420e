/* SPDX-License-Identifier: MIT */
/* lender_filter_test.c - standing loans where the program has set up a filter of system
 * calls that refuses membarrier, after the core was loaded. */
#include "borrower.h"
#include "thing.h"

#ifdef __linux__

#include <sys/prctl.h>
#include <sys/syscall.h>

/* From linux/filter.h and linux/seccomp.h, which musl does not bring. */
#define FILTER_MODE 2
#define FILTER_LOAD 0x20   /* the word at `value` of the call; its number is the first */
#define FILTER_EQUAL 0x15  /* skips as many of the next as yes or no says */
#define FILTER_ANSWER 0x06 /* with `value` */
#define FILTER_REFUSE 0x00050001u
#define FILTER_ALLOW 0x7fff0000u

typedef struct filter_step {
    uint16_t what;
    uint8_t yes;
    uint8_t no;
    uint32_t value;
} filter_step;

#define G borrower_identity(0)

static thing objects[3];

static void filter_set_up(void) {
    filter_step steps[] = {{FILTER_LOAD, 0, 0, 0}, {FILTER_EQUAL, 0, 1, SYS_membarrier},
            {FILTER_ANSWER, 0, 0, FILTER_REFUSE}, {FILTER_ANSWER, 0, 0, FILTER_ALLOW}};

    struct {
        uint16_t count;
        filter_step *steps;
    } filter = {sizeof steps / sizeof steps[0], steps};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            prctl(PR_SET_SECCOMP, FILTER_MODE, &filter, 0, 0) != 0) {
        trial_skip("this system has no filters");
    }
}

/* The answer to one that asks for a standing loan of a new object. */
static uint32_t ask(borrower_net *out_net, thing *self) {
    *out_net = borrower_net_of(thing_own(thing_type(), self));
    return borrower_ask_on(out_net, G);
}

static borrower_net lent_one(thing *self) {
    borrower_net net;
    uint32_t answer = ask(&net, self);
    if (answer == BELAY__LENDING_NEVER) {
        trial_skip("this system can't fence other threads");
    }
    assert_int_equal(answer, BELAY__LENDING_GRANTED);
    return net;
}

/* Goal: where nobody could take it back, nothing is lent. Method: a filter that comes
 * when the core already counts on the fence. */
TRIAL(nothing_is_lent_under_a_filter) {
    (void)lent_one(&objects[0]);
    filter_set_up();
    borrower_net net;
    assert_int_equal(ask(&net, &objects[1]), BELAY__LENDING_NEVER);
    assert_int_equal(thing_state(net.handle) & BELAY_STATE_LENT, 0);
    assert_status(BELAY_OK, belay_close(net.handle, NULL));
    assert_int_equal(thing_destroyed(&objects[1]), 1);
}

/* Goal: what was lent before the filter is never destroyed in use, and its lender can
 * still end it. Method: close one that is in use, and one as its lender. */
TRIAL(a_refused_recall_is_the_lenders) {
    borrower_net net = lent_one(&objects[0]);
    borrower_net own = lent_one(&objects[1]);
    borrower_loan loan = {NULL};
    assert_status(BELAY_OK, borrower_borrow(&net, G, &loan));
    assert_non_null(loan.by);
    filter_set_up();
    assert_status(BELAY_OK, belay_close(net.handle, NULL));
    assert_int_equal(thing_destroyed(&objects[0]), 0);
    assert_status(BELAY_OK, borrower_return(&net, G, &loan));
    assert_int_equal(thing_destroyed(&objects[0]), 1);

    int code = 0;
    uint32_t guard = 0;
    uint32_t ended = 0;
    assert_status(
            BELAY_OK, belay__bind_close(own.handle.bits, G, 0, 0, &code, &guard, &ended));
    assert_int_equal(thing_destroyed(&objects[1]), 1);

    borrower_net next;
    assert_int_equal(ask(&next, &objects[2]), BELAY__LENDING_NEVER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(nothing_is_lent_under_a_filter),
            cmocka_unit_test(a_refused_recall_is_the_lenders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) {
    return 0;
}

#endif
