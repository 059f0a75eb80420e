/* SPDX-License-Identifier: MIT */
/* name_test.c - who may know the handle of an object that the net ends: nobody, if it is
 * in hand already. The explorer looks at the same from several threads. */
#include "thing.h"

/* What a destructor sees of the other objects of its type. */
typedef struct name_view {
    belay_type type;
    belay_handle borrow; /* to be borrowed, if it is seen */
    int count;           /* those that are not closed */
    int nameless;        /* those without a handle */
    bool is_borrowed;
} name_view;

static int name_visit(void *data, belay_handle handle, const belay_info *info) {
    name_view *view = data;
    void *object = NULL;
    if (info->type.id == view->type.id && !info->is_closed) {
        view->count++;
    }
    view->nameless += handle.bits == 0;
    if (handle.bits == view->borrow.bits) {
        assert_status(BELAY_OK, belay_borrow(handle, &object));
        view->is_borrowed = true;
    }
    return 0;
}

static void name_look(void *data) {
    belay_live(name_visit, data);
}

/* Binds 64 objects to a shared net; the first one's destructor looks around, and borrows
 * the last one if it can. */
static uint32_t name_bind(belay_type type, thing objects[64], name_view *view) {
    uint32_t first = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    objects[0].inside = name_look;
    objects[0].inside_data = view;
    view->type = type;
    for (uint32_t i = 0; i < 64; i++) {
        view->borrow = thing_bind(first + i, type, &objects[i], (belay_handle){0});
    }
    return first;
}

/* Goal: nobody gets the handle of what the net is at; of what is in those slots next,
 * everybody. Method: the first of 64 destructors looks for the others; then their
 * successors are looked for. */
TRIAL(taken_objects_are_not_named) {
    static thing objects[2][64];
    belay_type type = thing_type();
    name_view taken = {0};
    uint32_t first = name_bind(type, objects[0], &taken);
    belay__bind_dead(first, 64);
    assert_status(BELAY_OK, belay_drain(20000));
    assert_int_equal(taken.count, 0);
    assert_int_equal(taken.nameless, 63);
    assert_false(taken.is_borrowed);
    assert_int_equal(thing_stats(type).rescued, 64);
    name_view free = {0};
    assert_int_equal(name_bind(type, objects[1], &free), first);
    name_look(&free);
    assert_int_equal(free.count, 64);
    assert_true(free.is_borrowed);
}

static void name_borrow(void *data) {
    void *object = NULL;
    assert_status(BELAY_OK, belay_borrow(*(belay_handle *)data, &object));
}

/* Goal: what the net is at can be borrowed by who had its handle before. Method: find it
 * first; the first of 64 destructors borrows the last. */
TRIAL(known_object_is_borrowed) {
    static thing objects[64];
    belay_type type = thing_type();
    name_view view = {0};
    uint32_t first = name_bind(type, objects, &view);
    name_look(&view);
    assert_true(view.is_borrowed);
    assert_int_equal(view.count, 64);
    assert_status(BELAY_OK, belay_return(view.borrow));
    objects[0].inside = name_borrow;
    objects[0].inside_data = &view.borrow;
    belay__bind_dead(first, 64);
    assert_status(BELAY_OK, belay_drain(20000));
    assert_int_equal(thing_destroyed(&objects[63]), 0);
    assert_int_equal(thing_stats(type).rescued, 63);
    assert_status(BELAY_OK, belay_return(view.borrow));
    assert_int_equal(thing_destroyed(&objects[63]), 1);
    assert_int_equal(thing_stats(type).rescued, 64);
}

/* Has the first object refuse once, and looked for instead of the last. */
static void name_refuse(name_view *view, uint32_t first, thing objects[64]) {
    view->borrow.bits = (view->borrow.bits & BELAY__GENERATION_MASK) | first;
    objects[0].code = objects[0].answers = 1;
}

/* It was found, reported by its name, and is given back. */
static void name_assert_refused(const name_view *view) {
    assert_true(view->is_borrowed);
    assert_true(thing_report_last(BELAY_REPORT_DESTROY_REFUSED)->handle.bits ==
                view->borrow.bits);
    assert_status(BELAY_OK, belay_return(view->borrow));
}

/* Goal: an object whose destructor refused is open, and may be named at once. Method: the
 * second of 64 looks for the first. */
TRIAL(refusing_object_is_named) {
    static thing objects[64];
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    name_view view = {0};
    uint32_t first = name_bind(type, objects, &view);
    name_refuse(&view, first, objects);
    objects[1].inside = objects[0].inside;
    objects[1].inside_data = objects[0].inside_data;
    objects[0].inside = NULL;
    belay__bind_dead(first, 64);
    assert_status(BELAY_OK, belay_drain(20000));
    assert_int_equal(view.count, 1);
    name_assert_refused(&view);
    assert_status(BELAY_OK, belay_close(view.borrow, NULL));
    assert_int_equal(thing_destroyed(&objects[0]), 2);
}

static void name_shut_down(void *data) {
    assert_status(BELAY_TIMED_OUT, belay_shutdown(0, data));
}

/* Goal: a shutdown leaves what the net has in hand to the net. Method: the first of 64
 * destructors shuts down; none of them is a leak, and all are still held. */
TRIAL(shutdown_leaves_what_is_taken) {
    static thing objects[64];
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    belay_remains remains = {0};
    name_view view = {0};
    uint32_t first = name_bind(type, objects, &view);
    objects[0].inside = name_shut_down;
    objects[0].inside_data = &remains;
    belay__bind_dead(first, 64);
    assert_status(BELAY_OK, belay_drain(20000));
    assert_int_equal(remains.leaked, 0);
    assert_int_equal(remains.held, 64);
    assert_int_equal(thing_reported(BELAY_REPORT_LEAK), 0);
    assert_true(thing_report_last(BELAY_REPORT_STILL_HELD)->handle.bits == 0);
    for (uint32_t i = 0; i < 64; i++) {
        assert_int_equal(thing_destroyed(&objects[i]), 1);
    }
    assert_int_equal(thing_stats(type).rescued, 64);
}

/* Goal: a shutdown closes what the net has in hand and will not end. Method: one of the
 * 64 is of a type whose net only reports. */
TRIAL(shutdown_closes_what_the_net_leaves) {
    static thing objects[64];
    thing kept = {0};
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    belay_type report = thing_type_of((belay_type_options){.net = BELAY_NET_REPORT});
    belay_remains remains = {0};
    name_view view = {0};
    uint32_t first = name_bind(type, objects, &view);
    assert_status(BELAY_OK, belay_close(view.borrow, NULL));
    (void)thing_bind(first + 63, report, &kept, (belay_handle){0});
    objects[0].inside = name_shut_down;
    objects[0].inside_data = &remains;
    belay__bind_dead(first, 64);
    assert_status(BELAY_OK, belay_drain(20000));
    assert_int_equal(remains.leaked, 1);
    assert_int_equal(thing_destroyed(&kept), 1);
    assert_int_equal(thing_stats(report).leaked, 1);
    assert_int_equal(thing_stats(type).rescued, 63);
}

static int name_step = 0; /* of the test below */

static void name_go(int step) {
    __atomic_store_n(&name_step, step, __ATOMIC_RELEASE);
}

static void name_refuse_late(void *data) {
    (void)data;
    name_go(1);
    thing_await(&name_step, 2);
}

static void *name_close(void *data) {
    assert_status(BELAY_REFUSED, belay_close(*(belay_handle *)data, NULL));
    name_go(3);
    return NULL;
}

static void name_look_late(void *data) {
    name_go(2);
    thing_await(&name_step, 3);
    name_look(data);
}

/* Goal: an object that was closed when the net came by, and refused since, has its name.
 * Method: the first of 64 is in its destructor, which refuses while the net is at the
 * second. */
TRIAL(object_refusing_meanwhile_is_named) {
    static thing objects[64];
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    name_view view = {0};
    uint32_t first = name_bind(type, objects, &view);
    name_refuse(&view, first, objects);
    objects[0].inside = name_refuse_late;
    objects[1].inside = name_look_late;
    objects[1].inside_data = &view;
    pthread_t closer;
    assert_int_equal(pthread_create(&closer, NULL, name_close, &view.borrow), 0);
    thing_await(&name_step, 1);
    belay__bind_dead(first, 64);
    assert_int_equal(pthread_join(closer, NULL), 0);
    assert_status(BELAY_OK, belay_drain(20000));
    name_assert_refused(&view);
    objects[0].inside = NULL;
    assert_status(BELAY_OK, belay_close(view.borrow, NULL));
}

/* Goal: a report does not give the name of an object that is still to come. Method: a
 * return of what a free slot will hold next. */
TRIAL(future_objects_are_not_named) {
    thing object = {0};
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    belay_handle past = thing_own(type, &object);
    assert_status(BELAY_OK, belay_close(past, NULL));
    belay_handle future = {past.bits + (UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT)};
    assert_status(BELAY_NOT_BORROWED, belay_return(past));
    assert_true(thing_report_last(BELAY_REPORT_DOUBLE_RETURN)->handle.bits == past.bits);
    assert_status(BELAY_NOT_BORROWED, belay_return(future));
    assert_true(thing_report_last(BELAY_REPORT_DOUBLE_RETURN)->handle.bits == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(taken_objects_are_not_named),
            cmocka_unit_test(known_object_is_borrowed),
            cmocka_unit_test(refusing_object_is_named),
            cmocka_unit_test(shutdown_leaves_what_is_taken),
            cmocka_unit_test(shutdown_closes_what_the_net_leaves),
            cmocka_unit_test(object_refusing_meanwhile_is_named),
            cmocka_unit_test(future_objects_are_not_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
