/* SPDX-License-Identifier: MIT */
/* handle_test.c - owning, lending, giving up and giving back one object. */
#include "thing.h"

#define BORROWS_MAX 16383

/* Goal: the count of borrows cannot spill into the flags. Method: borrow until refused,
 * ask once more, give everything back, and find the object as it was. */
TRIAL(borrow_overflow_is_refused) {
    thing object = {0};
    belay_handle handle = thing_own(thing_type(), &object);
    uint64_t before = thing_state(handle);
    void *lent = NULL;
    for (int i = 0; i < BORROWS_MAX; i++) {
        assert_status(BELAY_OK, belay_borrow(handle, &lent));
    }
    lent = &lent;
    assert_status(BELAY_TOO_MANY_BORROWS, belay_borrow(handle, &lent));
    assert_status(BELAY_TOO_MANY_BORROWS, belay_borrow(handle, &lent));
    assert_ptr_equal(lent, &lent);
    for (int i = 0; i < BORROWS_MAX; i++) {
        assert_status(BELAY_OK, belay_return(handle));
    }
    assert_true(thing_state(handle) == before);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(object.destroyed, 1);
}

/* Goal: what was never a handle is refused without a crash. Method: the zero handle,
 * indexes beyond the table and wrong generations, through every operation. */
TRIAL(handles_that_never_were) {
    thing object = {0};
    belay_type type = thing_type();
    belay_handle good = thing_own(type, &object);
    const uint64_t bits[] = {0, 1, UINT64_MAX, good.bits + (UINT64_C(5) << 24),
            good.bits | BELAY__INDEX_MASK, good.bits & BELAY__GENERATION_MASK,
            UINT64_C(1) << 40, BELAY__GROUP_SLOTS - 1};
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        belay_handle handle = {bits[i]};
        void *lent = NULL;
        belay_info info;
        assert_status(BELAY_CLOSED, belay_borrow(handle, &lent));
        assert_status(BELAY_NOT_BORROWED, belay_return(handle));
        assert_status(BELAY_OK, belay_close(handle, NULL));
        assert_status(BELAY_OK, belay_close_wait(handle, 10, NULL));
        assert_status(BELAY_CLOSED, belay_disown(handle, &lent));
        assert_status(BELAY_CLOSED, belay_resize(handle, 9));
        assert_status(BELAY_CLOSED, belay_measure(handle));
        assert_false(belay_peek(handle, &info));
        assert_null(lent);
        if (handle.bits) {
            belay_handle child = {0};
            belay_own_options options = {.size = sizeof options, .parent = handle};
            assert_status(BELAY_CLOSED, belay_own(type, &lent, &options, &child));
        }
    }
    assert_int_equal(thing_stats(type).live, 1);
    assert_int_equal(object.destroyed, 0);
}

/* Goal: own takes nothing that it says it did not take. Method: each wrong argument; the
 * handle stays untouched and nothing is counted as live. */
TRIAL(own_refuses_wrong_arguments) {
    thing object = {0};
    belay_type type = thing_type();
    belay_handle handle = {77};
    assert_status(BELAY_INVALID, belay_own(type, NULL, NULL, &handle));
    assert_status(BELAY_INVALID, belay_own((belay_type){0}, &object, NULL, &handle));
    assert_status(BELAY_INVALID, belay_own((belay_type){999}, &object, NULL, &handle));
    assert_status(
            BELAY_INVALID, belay_own((belay_type){UINT32_MAX}, &object, NULL, &handle));
    assert_true(handle.bits == 77);
    assert_int_equal(thing_stats(type).opened, 0);
}

/* Goal: an idle object is destroyed by its closer, before close returns, once. Method:
 * close twice; compare the thread, the count and the code. */
TRIAL(close_destroys_here_and_once) {
    thing object = {0};
    belay_handle handle = thing_own(thing_type(), &object);
    int code = 99;
    assert_status(BELAY_OK, belay_close(handle, &code));
    assert_int_equal(code, 0);
    assert_int_equal(object.destroyed, 1);
    assert_true(pthread_equal(object.by, pthread_self()));
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(object.destroyed, 1);
}

static void *return_elsewhere(void *data) {
    assert_status(BELAY_OK, belay_return(*(belay_handle *)data));
    return NULL;
}

/* Goal: the last return destroys a closed object, on the thread that returns. Method:
 * borrow here, close here, return on another thread. */
TRIAL(last_return_destroys_there) {
    thing object = {0};
    belay_handle handle = thing_own(thing_type(), &object);
    thing_borrow(handle, &object);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(object.destroyed, 0);
    thing_on_thread(return_elsewhere, &handle);
    assert_int_equal(object.destroyed, 1);
    assert_false(pthread_equal(object.by, pthread_self()));
}

/* Goal: a destructor's code goes through the type's rule. Method: each rule with a code,
 * and what close says, whether the object is gone, and the counters. */
TRIAL(codes_follow_the_rule) {
    static const struct {
        belay_on_error rule;
        belay_status status;
        int gone;
    } cases[] = {{BELAY_ON_ERROR_GONE, BELAY_DESTROY_FAILED, 1},
            {BELAY_ON_ERROR_KEPT, BELAY_REFUSED, 0},
            {BELAY_ON_ERROR_IGNORE, BELAY_OK, 1}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        belay_type type = thing_type_of((belay_type_options){.on_error = cases[i].rule});
        thing object = {.code = -7, .answers = -1};
        belay_handle handle = thing_own(type, &object);
        int code = 0;
        assert_status(cases[i].status, belay_close(handle, &code));
        assert_int_equal(code, -7);
        belay_stats stats = thing_stats(type);
        assert_int_equal(stats.live, !cases[i].gone);
        assert_int_equal(stats.closed, cases[i].gone);
        assert_int_equal(stats.refused, cases[i].rule == BELAY_ON_ERROR_KEPT);
        assert_int_equal(stats.failed, cases[i].rule == BELAY_ON_ERROR_GONE);
    }
}

static belay_on_error judge_by_code(void *context, int code) {
    *(int *)context += 1;
    return code == 1   ? BELAY_ON_ERROR_GONE
           : code == 2 ? BELAY_ON_ERROR_KEPT
                       : BELAY_ON_ERROR_IGNORE;
}

static int destroy_by_code(void *context, void *object) {
    (void)context;
    return thing_destroy(NULL, object);
}

/* Goal: a judge decides code by code, and is not asked about success. Method: one object
 * for each code, the judge counting in the context. */
TRIAL(judge_decides) {
    int judged = 0;
    belay_type type = thing_type_of((belay_type_options){.on_error = BELAY_ON_ERROR_JUDGE,
            .judge = judge_by_code,
            .context = &judged,
            .destroy = destroy_by_code});
    const belay_status wanted[] = {
            BELAY_OK, BELAY_DESTROY_FAILED, BELAY_REFUSED, BELAY_OK};
    for (int code = 0; code < 4; code++) {
        thing object = {.code = code, .answers = -1};
        belay_handle handle = thing_own(type, &object);
        assert_status(wanted[code], belay_close(handle, NULL));
        if (code == 2) {
            object.code = 0;
            assert_status(BELAY_OK, belay_close(handle, NULL));
        }
    }
    assert_int_equal(judged, 3);
    assert_int_equal(thing_stats(type).live, 0);
}

/* Goal: a disowned object is the caller's: no destructor, ever. Method: disown, close the
 * old handle, shut down; then own the pointer again. */
TRIAL(disown_gives_back) {
    belay_type type = thing_type();
    thing object = {0};
    belay_handle handle = thing_own(type, &object);
    void *back = NULL;
    assert_status(BELAY_OK, belay_disown(handle, &back));
    assert_ptr_equal(back, &object);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_status(BELAY_CLOSED, belay_borrow(handle, &back));
    assert_status(BELAY_OK, belay_shutdown(1000, NULL));
    assert_int_equal(object.destroyed, 0);
    belay_stats stats = thing_stats(type);
    assert_int_equal(stats.disowned, 1);
    assert_int_equal(stats.closed, 0);
    assert_int_equal(stats.live, 0);
    belay_handle again = thing_own(type, &object);
    assert_true(again.bits != handle.bits);
    assert_status(BELAY_OK, belay_close(again, NULL));
    assert_int_equal(object.destroyed, 1);
}

typedef struct closer {
    belay_handle handle;
    uint64_t timeout_ms;
    belay_status status;
    int code;
    int started;
    int ended;
} closer;

static void *close_and_wait(void *data) {
    closer *self = data;
    __atomic_store_n(&self->started, 1, __ATOMIC_RELEASE);
    self->status = belay_close_wait(self->handle, self->timeout_ms, &self->code);
    __atomic_store_n(&self->ended, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Goal: close_wait tells the late result, as close would have told it. Method: for each
 * rule, one thread waits while this one holds the borrow and lets it go. */
TRIAL(close_wait_tells_the_late_result) {
    static const struct {
        belay_on_error rule;
        int code;
        belay_status status;
    } cases[] = {{BELAY_ON_ERROR_GONE, 0, BELAY_OK},
            {BELAY_ON_ERROR_GONE, 3, BELAY_DESTROY_FAILED},
            {BELAY_ON_ERROR_KEPT, 4, BELAY_REFUSED},
            {BELAY_ON_ERROR_IGNORE, 5, BELAY_OK}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        belay_type type = thing_type_of((belay_type_options){.on_error = cases[i].rule});
        thing object = {.code = cases[i].code, .answers = -1};
        closer self = {
                .handle = thing_own(type, &object), .timeout_ms = 20000, .code = 99};
        thing_borrow(self.handle, &object);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, close_and_wait, &self), 0);
        thing_await(&self.started, 1);
        while (!(thing_state(self.handle) & BELAY_STATE_CLOSED)) {
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        }
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        assert_false(__atomic_load_n(&self.ended, __ATOMIC_ACQUIRE));
        assert_status(BELAY_OK, belay_return(self.handle));
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_status(cases[i].status, self.status);
        assert_int_equal(self.code, cases[i].code);
        assert_int_equal(object.destroyed, 1);
    }
}

/* Goal: close_wait ends at its deadline, and the object stays closed. Method: wait 30 ms
 * for a borrow that stays out; then return it, which destroys. */
TRIAL(close_wait_times_out) {
    thing object = {0};
    belay_handle handle = thing_own(thing_type(), &object);
    void *lent = NULL;
    thing_borrow(handle, &object);
    int code = 99;
    assert_status(BELAY_TIMED_OUT, belay_close_wait(handle, 30, &code));
    assert_int_equal(code, 99);
    assert_status(BELAY_CLOSED, belay_borrow(handle, &lent));
    assert_status(BELAY_TIMED_OUT, belay_close_wait(handle, 0, NULL));
    assert_status(BELAY_OK, belay_return(handle));
    assert_int_equal(object.destroyed, 1);
    assert_status(BELAY_OK, belay_close_wait(handle, 1000, NULL));
}

/* Goal: close_wait of an idle object is a close. Method: compare status and code. */
TRIAL(close_wait_of_an_idle_object) {
    belay_type type =
            thing_type_of((belay_type_options){.on_error = BELAY_ON_ERROR_GONE});
    thing object = {.code = 8, .answers = -1};
    int code = 0;
    assert_status(BELAY_DESTROY_FAILED,
            belay_close_wait(thing_own(type, &object), 1000, &code));
    assert_int_equal(code, 8);
    assert_int_equal(object.destroyed, 1);
}

/* Goal: two waiters of one object both learn its end. Method: two threads in close_wait,
 * one return. */
TRIAL(close_wait_by_two) {
    thing object = {0};
    closer both[2] = {{.timeout_ms = 20000}, {.timeout_ms = 20000}};
    pthread_t threads[2];
    belay_handle handle = thing_own(thing_type(), &object);
    thing_borrow(handle, &object);
    for (int i = 0; i < 2; i++) {
        both[i].handle = handle;
        assert_int_equal(pthread_create(&threads[i], NULL, close_and_wait, &both[i]), 0);
        thing_await(&both[i].started, 1);
    }
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    assert_status(BELAY_OK, belay_return(handle));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_status(BELAY_OK, both[i].status);
    }
    assert_int_equal(object.destroyed, 1);
}

typedef struct other {
    belay_type type;
    thing *object;
    belay_handle handle;
} other;

static void own_and_close_inside(void *data) {
    other *self = data;
    self->handle = thing_own(self->type, self->object);
    thing_borrow(self->handle, self->object);
    assert_status(BELAY_OK, belay_return(self->handle));
    assert_status(BELAY_OK, belay_close(self->handle, NULL));
}

/* Goal: no lock is held while a destructor runs. Method: a destructor that owns, lends
 * and closes another object. */
TRIAL(destructor_may_call_everything) {
    belay_type type = thing_type();
    thing inner = {0};
    other work = {.type = type, .object = &inner};
    thing outer = {.inside = own_and_close_inside, .inside_data = &work};
    assert_status(BELAY_OK, belay_close(thing_own(type, &outer), NULL));
    assert_int_equal(outer.destroyed, 1);
    assert_int_equal(inner.destroyed, 1);
    assert_int_equal(thing_stats(type).live, 0);
}

/* Goal: a slot is used again under another generation, and the old handle stays refused.
 * Method: own and close more objects than a handle's generation has room for in the
 * narrow build; no handle comes twice and every old one is refused. */
TRIAL(handles_are_never_repeated) {
    enum { ROUNDS = 3000 };

    static belay_handle old[ROUNDS];
    belay_type type = thing_type();
    thing object = {0};
    void *lent = NULL;
    uint32_t highest = 0;
    for (int i = 0; i < ROUNDS; i++) {
        old[i] = thing_own(type, &object);
        uint32_t index = belay__handle_index(old[i]);
        highest = index > highest ? index : highest;
        for (int j = i > 40 ? i - 40 : 0; j < i; j++) {
            assert_true(old[j].bits != old[i].bits);
            assert_status(BELAY_CLOSED, belay_borrow(old[j], &lent));
        }
        assert_status(BELAY_OK, belay_close(old[i], NULL));
    }
    for (int i = 0; i < ROUNDS; i++) {
        assert_status(BELAY_CLOSED, belay_borrow(old[i], &lent));
        assert_status(BELAY_OK, belay_close(old[i], NULL));
        for (int j = 0; j < i; j++) {
            assert_true(old[j].bits != old[i].bits);
        }
    }
    assert_int_equal(object.destroyed, ROUNDS);
    assert_true(highest < ROUNDS);
}

/* Goal: peek and live tell what is there. Method: open a parent and a child with size and
 * site, look at both ways of reading, close, look again. */
static int visit_count(void *data, belay_handle handle, const belay_info *info) {
    (void)handle;
    assert_non_null(info);
    *(int *)data += 1;
    return 0;
}

static int visit_one(void *data, belay_handle handle, const belay_info *info) {
    (void)handle;
    (void)info;
    *(int *)data += 1;
    return 1;
}

TRIAL(peek_and_live_tell) {
    belay_type type = thing_type();
    thing parent = {0};
    thing child = {0};
    belay_handle top = thing_own(type, &parent);
    belay_own_options options = {.size = sizeof options,
            .size_bytes = 4711,
            .parent = top,
            .site = "open_it a.c:7"};
    belay_handle below = {0};
    assert_status(BELAY_OK, belay_own(type, &child, &options, &below));
    thing_borrow(below, &child);
    belay_info info;
    assert_true(belay_peek(below, &info));
    assert_int_equal(info.type.id, type.id);
    assert_ptr_equal(info.object, &child);
    assert_int_equal(info.size_bytes, 4711);
    assert_true(info.parent.bits == top.bits);
    assert_int_equal(info.borrow_count, 1);
    assert_false(info.is_closed);
    assert_string_equal(info.site, "open_it a.c:7");
    assert_true(info.age_ms < 100000);
    assert_true(belay_peek(top, &info));
    assert_string_equal(info.site, "?");
    assert_true(info.parent.bits == 0);
    int seen = 0;
    belay_live(visit_count, &seen);
    assert_int_equal(seen, 2);
    seen = 0;
    belay_live(visit_one, &seen);
    assert_int_equal(seen, 1);
    assert_status(BELAY_OK, belay_close(below, NULL));
    assert_true(belay_peek(below, &info));
    assert_true(info.is_closed);
    assert_status(BELAY_OK, belay_return(below));
    assert_false(belay_peek(below, &info));
    seen = 0;
    belay_live(visit_count, &seen);
    assert_int_equal(seen, 1);
}

/* Goal: resize and measure move the accounted bytes. Method: known sizes; a type without
 * a size callback refuses measure. */
TRIAL(resize_and_measure) {
    belay_type type =
            thing_type_of((belay_type_options){.size_of = thing_size, .size_bytes = 100});
    thing object = {.size_bytes = 12345};
    belay_handle handle = thing_own(type, &object);
    uint64_t at_first = thing_stats(type).live_bytes;
    assert_true(at_first == 100 || at_first == 12345);
    assert_status(BELAY_OK, belay_resize(handle, 7));
    assert_int_equal(thing_stats(type).live_bytes, 7);
    assert_status(BELAY_OK, belay_measure(handle));
    assert_int_equal(thing_stats(type).live_bytes, 12345);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(thing_stats(type).live_bytes, 0);
    assert_status(BELAY_CLOSED, belay_resize(handle, 7));
    assert_status(BELAY_CLOSED, belay_measure(handle));
    thing plain = {0};
    belay_handle fixed = thing_own(thing_type(), &plain);
    assert_status(BELAY_INVALID, belay_measure(fixed));
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(borrow_overflow_is_refused),
            cmocka_unit_test(handles_that_never_were),
            cmocka_unit_test(own_refuses_wrong_arguments),
            cmocka_unit_test(close_destroys_here_and_once),
            cmocka_unit_test(last_return_destroys_there),
            cmocka_unit_test(codes_follow_the_rule),
            cmocka_unit_test(judge_decides),
            cmocka_unit_test(disown_gives_back),
            cmocka_unit_test(close_wait_tells_the_late_result),
            cmocka_unit_test(close_wait_times_out),
            cmocka_unit_test(close_wait_of_an_idle_object),
            cmocka_unit_test(close_wait_by_two),
            cmocka_unit_test(destructor_may_call_everything),
            cmocka_unit_test(handles_are_never_repeated),
            cmocka_unit_test(peek_and_live_tell),
            cmocka_unit_test(resize_and_measure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
