/* SPDX-License-Identifier: MIT */
/* process_test.c - the end: drain, shutdown, and what is left. */
#include <time.h>

#include "thing.h"

/* Goal: shutdown closes what was left open, children first, and reports each as a leak.
 * Method: a family and a stranger left open, one closed; count what the end says. */
TRIAL(shutdown_closes_and_reports) {
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    thing parent = {0};
    thing child = {0};
    thing stranger = {0};
    thing closed = {0};
    belay_own_options options = {.size = sizeof options, .site = "leaker l.c:5"};
    belay_handle handle = {0};
    assert_status(BELAY_OK, belay_own(type, &stranger, &options, &handle));
    belay_handle top = thing_own(type, &parent);
    (void)thing_own_below(type, &child, top);
    assert_status(BELAY_OK, belay_close(thing_own(type, &closed), NULL));
    belay_remains remains = {77, 77};
    assert_status(BELAY_OK, belay_shutdown(1000, &remains));
    assert_int_equal(remains.leaked, 3);
    assert_int_equal(remains.held, 0);
    assert_int_equal(parent.destroyed, 1);
    assert_int_equal(child.destroyed, 1);
    assert_int_equal(stranger.destroyed, 1);
    assert_true(child.order < parent.order);
    assert_int_equal(thing_reported(BELAY_REPORT_LEAK), 3);
    belay_stats stats = thing_stats(type);
    assert_int_equal(stats.leaked, 3);
    assert_int_equal(stats.closed, 1);
    assert_int_equal(stats.live, 0);
    bool named = false;
    for (int i = 0; i < thing_report_count; i++) {
        named = named || (thing_reports[i].kind == BELAY_REPORT_LEAK &&
                                 strcmp(thing_reports[i].opened, "leaker l.c:5") == 0);
    }
    assert_true(named);
    belay_remains again = {77, 77};
    assert_status(BELAY_OK, belay_shutdown(1000, &again));
    assert_int_equal(again.leaked, 0);
}

typedef struct holder {
    belay_handle handle;
    int has;
    int let_go;
} holder;

static void *hold(void *data) {
    holder *self = data;
    void *object = NULL;
    assert_status(BELAY_OK, belay_borrow(self->handle, &object));
    __atomic_store_n(&self->has, 1, __ATOMIC_RELEASE);
    thing_await(&self->let_go, 1);
    assert_status(BELAY_OK, belay_return(self->handle));
    return NULL;
}

static void *let_go_later(void *data) {
    holder *self = data;
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    __atomic_store_n(&self->let_go, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Goal: shutdown waits for borrows until its deadline, and names what is still held.
 * Method: a thread holds a borrow past a short deadline, then lets go within a long one.
 */
TRIAL(shutdown_waits_for_borrows) {
    belay_report_to(thing_report_sink, NULL);
    thing object = {0};
    belay_own_options options = {.size = sizeof options, .site = "holder h.c:9"};
    holder work = {0};
    belay_type type = thing_type();
    assert_status(BELAY_OK, belay_own(type, &object, &options, &work.handle));
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, hold, &work), 0);
    thing_await(&work.has, 1);
    belay_remains remains = {77, 77};
    assert_status(BELAY_TIMED_OUT, belay_shutdown(30, &remains));
    assert_int_equal(remains.held, 1);
    assert_int_equal(thing_destroyed(&object), 0);
    assert_int_equal(thing_reported(BELAY_REPORT_STILL_HELD), 1);
    assert_string_equal(
            thing_report_last(BELAY_REPORT_STILL_HELD)->opened, "holder h.c:9");
    assert_int_equal(pthread_create(&threads[1], NULL, let_go_later, &work), 0);
    assert_status(BELAY_OK, belay_shutdown(20000, &remains));
    assert_int_equal(remains.held, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(object.destroyed, 1);
    assert_int_equal(thing_stats(type).leaked, 1);
}

/* Goal: an object whose destructor refuses is still held at the end, and shutdown does
 * not hang over it. Method: it refuses always; then it goes by hand. */
TRIAL(shutdown_gives_up_on_refusals) {
    belay_type type = thing_type();
    thing object = {.code = 1, .answers = -1};
    belay_handle handle = thing_own(type, &object);
    belay_remains remains = {77, 77};
    assert_status(BELAY_TIMED_OUT, belay_shutdown(50, &remains));
    assert_int_equal(remains.held, 1);
    object.answers = 0;
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(thing_stats(type).live, 0);
}

/* Goal: with hold, children left open go before their parents at the end. Method: a hold
 * parent, closed, with two open children. */
TRIAL(shutdown_of_a_waiting_parent) {
    belay_type type =
            thing_type_of((belay_type_options){.children = BELAY_CHILDREN_HOLD});
    thing parent = {0};
    thing children[2] = {{0}};
    belay_handle top = thing_own(type, &parent);
    (void)thing_own_below(type, &children[0], top);
    (void)thing_own_below(type, &children[1], top);
    assert_status(BELAY_OK, belay_close(top, NULL));
    belay_remains remains = {0};
    assert_status(BELAY_OK, belay_shutdown(1000, &remains));
    assert_int_equal(parent.destroyed, 1);
    assert_int_equal(parent.order, 3);
    assert_int_equal(remains.leaked, 2);
    assert_int_equal(thing_stats(type).closed, 1);
}

/* Goal: shutdown drains the net: what it found counts as rescued, not leaked. Method:
 * dead nets right before the end. */
TRIAL(shutdown_drains_the_net) {
    static thing objects[64];
    belay_type type = thing_type();
    uint32_t first = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    for (uint32_t i = 0; i < 64; i++) {
        (void)thing_bind(first + i, type, &objects[i], (belay_handle){0});
    }
    belay__bind_dead(first, 64);
    belay_remains remains = {0};
    assert_status(BELAY_OK, belay_shutdown(20000, &remains));
    assert_int_equal(remains.leaked, 0);
    assert_int_equal(thing_stats(type).rescued, 64);
}

static uint32_t found_group = 0;

/* The collector finds the group, and the net is done with it, when the first leak is
 * told. */
static void find_at_first_leak(void *data, const belay_report *report) {
    thing_report_sink(data, report);
    uint32_t first = found_group;
    if (report->kind == BELAY_REPORT_LEAK && first != 0) {
        found_group = 0;
        belay__bind_dead(first, 64);
        assert_status(BELAY_OK, belay_drain(20000));
    }
}

/* Goal: what the net finds while a shutdown tells leaks is one of the two, in the reports
 * and in the counts. Method: it finds all when the first one was told. */
TRIAL(leak_or_rescue) {
    static thing objects[64];
    belay_report_to(find_at_first_leak, NULL);
    belay_type type = thing_type();
    found_group = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    for (uint32_t i = 0; i < 64; i++) {
        (void)thing_bind(found_group + i, type, &objects[i], (belay_handle){0});
    }
    belay_remains remains = {0};
    assert_status(BELAY_OK, belay_shutdown(20000, &remains));
    belay_stats stats = thing_stats(type);
    assert_int_equal(remains.leaked, 1);
    assert_int_equal(stats.leaked, 1);
    assert_int_equal(stats.rescued, 63);
    assert_int_equal(thing_reported(BELAY_REPORT_LEAK), 1);
    assert_int_equal(thing_reported(BELAY_REPORT_RESCUE), 63);
    /* And the tight loop is there again. */
    uint32_t first = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    (void)thing_bind(first, type, &objects[0], (belay_handle){0});
    belay__bind_dead(first, 64);
    assert_status(BELAY_OK, belay_drain(20000));
    assert_int_equal(thing_stats(type).rescued, 64);
}

/* Goal: the core serves on after a shutdown. Method: own, use, forget and close; end
 * again. */
TRIAL(life_after_shutdown) {
    belay_type type = thing_type();
    thing objects[3] = {{0}};
    assert_status(BELAY_OK, belay_shutdown(100, NULL));
    belay_handle handle = thing_own(type, &objects[0]);
    thing_borrow(handle, &objects[0]);
    assert_status(BELAY_OK, belay_return(handle));
    assert_status(BELAY_OK, belay_close(handle, NULL));
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    (void)thing_bind(first, type, &objects[1], (belay_handle){0});
    belay__bind_dead(first, 1);
    assert_status(BELAY_OK, belay_drain(20000));
    (void)thing_own(type, &objects[2]);
    belay_remains remains = {0};
    assert_status(BELAY_OK, belay_shutdown(1000, &remains));
    assert_int_equal(remains.leaked, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(objects[i].destroyed, 1);
    }
}

typedef struct pinning {
    belay_type type;
    thing objects[2];
    int is_open, may_go_on;
} pinning;

static void *disown_and_own_again(void *data) {
    pinning *self = data;
    void *object = NULL;
    belay_handle first = thing_own(self->type, &self->objects[0]);
    __atomic_store_n(&self->is_open, 1, __ATOMIC_RELEASE);
    thing_await(&self->may_go_on, 1);
    assert_status(BELAY_OK, belay_disown(first, &object));
    belay_handle second = thing_own(self->type, &self->objects[1]);
    assert_int_equal(belay__handle_index(first), belay__handle_index(second));
    assert_status(BELAY_OK, belay_close(second, NULL));
    return NULL;
}

/* Goal: an object that a shutdown left is not taken for the next one of its slot. Method:
 * a pinned object, held at the end; its thread disowns it, and closes another one there.
 */
TRIAL(leak_is_of_one_object) {
    pinning other = {
            .type = thing_type_of((belay_type_options){.thread = BELAY_THREAD_PINNED})};
    belay_remains remains = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, disown_and_own_again, &other), 0);
    thing_await(&other.is_open, 1);
    assert_status(BELAY_TIMED_OUT, belay_shutdown(0, &remains));
    assert_int_equal(remains.held, 1);
    __atomic_store_n(&other.may_go_on, 1, __ATOMIC_RELEASE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    belay_stats stats = thing_stats(other.type);
    assert_int_equal(stats.disowned, 1);
    assert_int_equal(stats.closed, 1);
    assert_int_equal(stats.leaked, 0);
}

/* Owns in `index` and forgets it; the net has to destroy it. */
static void forget_in(uint32_t index, belay_type type, thing *object) {
    (void)thing_bind(index, type, object, (belay_handle){0});
    belay__bind_dead(index, 1);
    assert_status(BELAY_OK, belay_drain(20000));
    assert_int_equal(thing_destroyed(object), 1);
}

/* Goal: the net works on in the child of a fork. Method: let the worker fall asleep,
 * fork, and forget one object after the other there: each wakes a worker that waits anew.
 */
TRIAL(net_works_on_after_a_fork) {
    if (TRIAL_UNDER_TSAN) {
        return;
    }
    belay_type type = thing_type();
    static thing objects[8] = {{0}};
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    struct timespec moment = {.tv_nsec = 50000000};
    forget_in(first, type, &objects[0]);
    nanosleep(&moment, NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(TRIAL_SECONDS / 4);
        for (uint32_t i = 1; i < 8; i++) {
            forget_in(first + i, type, &objects[i]);
            nanosleep(&moment, NULL);
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Goal: shutdown of a core that nobody used is quick and quiet. Method: call it first. */
TRIAL(shutdown_of_nothing) {
    belay_remains remains = {77, 77};
    assert_status(BELAY_OK, belay_shutdown(0, &remains));
    assert_int_equal(remains.leaked, 0);
    assert_int_equal(remains.held, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(shutdown_closes_and_reports),
            cmocka_unit_test(shutdown_waits_for_borrows),
            cmocka_unit_test(shutdown_gives_up_on_refusals),
            cmocka_unit_test(shutdown_of_a_waiting_parent),
            cmocka_unit_test(shutdown_drains_the_net),
            cmocka_unit_test(leak_or_rescue),
            cmocka_unit_test(life_after_shutdown),
            cmocka_unit_test(leak_is_of_one_object),
            cmocka_unit_test(net_works_on_after_a_fork),
            cmocka_unit_test(shutdown_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
