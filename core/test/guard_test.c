/* SPDX-License-Identifier: MIT */
/* guard_test.c - calls into a library that can't take it never overlap; thread rules. */
#include "thing.h"

/* A thread that borrows, says so, waits to be let go, and returns. */
typedef struct user {
    belay_handle handle;
    int has;    /* it has the borrow */
    int let_go; /* it may return */
    int done;
    pthread_t thread;
} user;

static void *user_run(void *data) {
    user *self = data;
    void *object = NULL;
    assert_status(BELAY_OK, belay_borrow(self->handle, &object));
    __atomic_store_n(&self->has, 1, __ATOMIC_RELEASE);
    thing_await(&self->let_go, 1);
    assert_status(BELAY_OK, belay_return(self->handle));
    __atomic_store_n(&self->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void user_start(user *self, belay_handle handle) {
    *self = (user){.handle = handle};
    assert_int_equal(pthread_create(&self->thread, NULL, user_run, self), 0);
}

static void user_end(user *self) {
    __atomic_store_n(&self->let_go, 1, __ATOMIC_RELEASE);
    assert_int_equal(pthread_join(self->thread, NULL), 0);
}

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* True if a second thread gets in while one is inside. */
static bool overlap(belay_handle one, belay_handle other) {
    user first;
    user second;
    user_start(&first, one);
    thing_await(&first.has, 1);
    user_start(&second, other);
    for (int i = 0; i < 20 && !__atomic_load_n(&second.has, __ATOMIC_ACQUIRE); i++) {
        pause_ms(2);
    }
    bool got_in = __atomic_load_n(&second.has, __ATOMIC_ACQUIRE);
    user_end(&first);
    thing_await(&second.has, 1);
    user_end(&second);
    return got_in;
}

static belay_type guarded(belay_guard guard, belay_thread thread) {
    return thing_type_of((belay_type_options){
            .guard = guard, .thread = thread, .on_error = BELAY_ON_ERROR_KEPT});
}

/* Goal: each guard keeps out exactly what it says. Method: two threads borrow the same
 * object, a parent and its child, siblings, and objects without ties. */
TRIAL(guards_keep_out_what_they_say) {
    static const struct {
        belay_guard guard;
        belay_thread thread;
        bool same, parent, sibling, stranger; /* overlap is allowed */
    } cases[] = {
            {BELAY_GUARD_SHARED, BELAY_THREAD_ANY, true, true, true, true},
            {BELAY_GUARD_EXCLUSIVE, BELAY_THREAD_ANY, false, true, true, true},
            {BELAY_GUARD_DOMAIN, BELAY_THREAD_ANY, false, false, false, true},
            {BELAY_GUARD_SHARED, BELAY_THREAD_SERIAL, false, false, false, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        belay_type type = guarded(cases[i].guard, cases[i].thread);
        thing objects[4] = {{0}};
        belay_handle root = thing_own(type, &objects[0]);
        belay_handle child = thing_own_below(type, &objects[1], root);
        belay_handle sibling = thing_own_below(type, &objects[2], root);
        belay_handle stranger = thing_own(type, &objects[3]);
        assert_int_equal(overlap(root, root), cases[i].same);
        assert_int_equal(overlap(root, child), cases[i].parent);
        assert_int_equal(overlap(child, root), cases[i].parent);
        assert_int_equal(overlap(child, sibling), cases[i].sibling);
        assert_int_equal(overlap(root, stranger), cases[i].stranger);
        assert_status(BELAY_OK, belay_close(root, NULL));
        assert_status(BELAY_OK, belay_close(stranger, NULL));
        assert_int_equal(objects[1].destroyed + objects[2].destroyed, 2);
    }
}

/* Goal: the owner of a guard may enter again, as a callback inside the same call does,
 * and leaves it with the last return. Method: borrow three deep under each guard, also
 * below the root of a domain; another thread gets in only after the last return. */
TRIAL(nested_borrows_work) {
    for (int which = 0; which < 3; which++) {
        belay_type type = which == 2   ? guarded(BELAY_GUARD_SHARED, BELAY_THREAD_SERIAL)
                          : which == 1 ? guarded(BELAY_GUARD_DOMAIN, BELAY_THREAD_ANY)
                                       : guarded(BELAY_GUARD_EXCLUSIVE, BELAY_THREAD_ANY);
        thing root_object = {0};
        thing child_object = {0};
        belay_handle root = thing_own(type, &root_object);
        belay_handle child = thing_own_below(type, &child_object, root);
        thing_borrow(root, &root_object);
        thing_borrow(child, &child_object);
        thing_borrow(root, &root_object);
        assert_status(BELAY_OK, belay_return(root));
        user other;
        user_start(&other, root);
        assert_status(BELAY_OK, belay_return(child));
        pause_ms(10);
        assert_int_equal(__atomic_load_n(&other.has, __ATOMIC_ACQUIRE), 0);
        assert_status(BELAY_OK, belay_return(root));
        thing_await(&other.has, 1);
        user_end(&other);
        assert_status(BELAY_OK, belay_close(root, NULL));
    }
}

typedef struct closing {
    belay_handle handle;
    belay_status status;
    int started;
    int done;
} closing;

static void *close_it(void *data) {
    closing *self = data;
    __atomic_store_n(&self->started, 1, __ATOMIC_RELEASE);
    self->status = belay_close(self->handle, NULL);
    __atomic_store_n(&self->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Goal: a destructor waits for the guard. Method: hold the domain through the root, close
 * a child elsewhere; its destructor runs only after the return. The same for a serial
 * type. */
TRIAL(destructors_run_under_the_guard) {
    for (int serial = 0; serial < 2; serial++) {
        belay_type type = serial ? guarded(BELAY_GUARD_SHARED, BELAY_THREAD_SERIAL)
                                 : guarded(BELAY_GUARD_DOMAIN, BELAY_THREAD_ANY);
        thing root_object = {0};
        thing child_object = {0};
        belay_handle root = thing_own(type, &root_object);
        belay_handle child = thing_own_below(type, &child_object, root);
        thing_borrow(root, &root_object);
        closing work = {.handle = child};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, close_it, &work), 0);
        thing_await(&work.started, 1);
        pause_ms(50);
        assert_int_equal(thing_destroyed(&child_object), 0);
        assert_status(BELAY_OK, belay_return(root));
        assert_int_equal(pthread_join(thread, NULL), 0);
        thing_await(&child_object.destroyed, 1);
        assert_status(BELAY_OK, work.status);
        assert_status(BELAY_OK, belay_close(root, NULL));
        assert_int_equal(child_object.destroyed, 1);
    }
}

/* Goal: who holds the guard may close below it. Method: hold the root's domain and close
 * a child here; then close the root while it is borrowed, and return it. */
TRIAL(owner_of_the_guard_may_close) {
    belay_type type = guarded(BELAY_GUARD_DOMAIN, BELAY_THREAD_ANY);
    thing objects[2] = {{0}};
    belay_handle root = thing_own(type, &objects[0]);
    belay_handle child = thing_own_below(type, &objects[1], root);
    thing_borrow(root, &objects[0]);
    assert_status(BELAY_OK, belay_close(child, NULL));
    assert_int_equal(objects[1].destroyed, 1);
    assert_status(BELAY_OK, belay_close(root, NULL));
    assert_status(BELAY_OK, belay_return(root));
    assert_int_equal(objects[0].destroyed, 1);
}

typedef struct nesting {
    belay_handle outer, inner;
    thing *outer_object, *inner_object;
    int is_outside;
} nesting;

static void *borrow_nested(void *data) {
    nesting *self = data;
    thing_borrow(self->outer, self->outer_object);
    __atomic_store_n(&self->is_outside, 1, __ATOMIC_RELEASE);
    thing_borrow(self->inner, self->inner_object);
    assert_status(BELAY_OK, belay_return(self->inner));
    assert_status(BELAY_OK, belay_return(self->outer));
    return NULL;
}

static void await_outside(void *data) {
    thing_await(&((nesting *)data)->is_outside, 1);
}

/* Goal: the end of a last child does not wait for its parent's guard inside its own.
 * Method: two serial types, one for parents and one for children; a thread that is inside
 * the first wants the second, while this one returns the last borrow of a child whose
 * parent is closed. */
TRIAL(parents_guard_is_not_waited_for) {
    belay_type parents = guarded(BELAY_GUARD_SHARED, BELAY_THREAD_SERIAL);
    belay_type children = guarded(BELAY_GUARD_SHARED, BELAY_THREAD_SERIAL);
    thing objects[4] = {{0}};
    belay_handle parent = thing_own(parents, &objects[0]);
    belay_handle child = thing_own_below(children, &objects[1], parent);
    nesting other = {.outer = thing_own(parents, &objects[2]),
            .inner = thing_own(children, &objects[3]),
            .outer_object = &objects[2],
            .inner_object = &objects[3]};
    objects[1].inside = await_outside;
    objects[1].inside_data = &other;
    thing_borrow(child, &objects[1]);
    assert_status(BELAY_OK, belay_close(parent, NULL));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, borrow_nested, &other), 0);
    assert_status(BELAY_OK, belay_return(child));
    assert_int_equal(pthread_join(thread, NULL), 0);
    thing_await(&objects[0].destroyed, 1);
    assert_true(objects[0].order > objects[1].order);
}

/* Goal: the size callback runs under the guard. Method: hold the guard, measure
 * elsewhere, which must wait; measure here as well, inside the guard. */
static void *measure_it(void *data) {
    closing *self = data;
    self->status = belay_measure(self->handle);
    __atomic_store_n(&self->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

TRIAL(size_callback_runs_under_the_guard) {
    belay_type type = thing_type_of(
            (belay_type_options){.guard = BELAY_GUARD_EXCLUSIVE, .size_of = thing_size});
    thing object = {.size_bytes = 10};
    belay_handle handle = thing_own(type, &object);
    closing work = {.handle = handle};
    pthread_t thread;
    thing_borrow(handle, &object);
    assert_int_equal(pthread_create(&thread, NULL, measure_it, &work), 0);
    pause_ms(20);
    assert_int_equal(__atomic_load_n(&work.done, __ATOMIC_ACQUIRE), 0);
    object.size_bytes = 20;
    assert_status(BELAY_OK, belay_measure(handle));
    assert_int_equal(thing_stats(type).live_bytes, 20);
    object.size_bytes = 30;
    assert_status(BELAY_OK, belay_return(handle));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_status(BELAY_OK, work.status);
    assert_int_equal(thing_stats(type).live_bytes, 30);
    assert_status(BELAY_OK, belay_close(handle, NULL));
}

/* Goal: waiting for one's own guarded borrow is refused. Method: close_wait while this
 * thread holds the borrow of an exclusive object; then return it. */
TRIAL(close_wait_for_oneself_is_refused) {
    belay_type type = guarded(BELAY_GUARD_EXCLUSIVE, BELAY_THREAD_ANY);
    thing object = {0};
    belay_handle handle = thing_own(type, &object);
    thing_borrow(handle, &object);
    assert_status(BELAY_WOULD_DEADLOCK, belay_close_wait(handle, 20000, NULL));
    assert_status(BELAY_OK, belay_return(handle));
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(object.destroyed, 1);
}

static void *borrow_pinned(void *data) {
    closing *self = data;
    void *object = NULL;
    thing child = {0};
    belay_info info;
    belay_handle below = {0};
    belay_own_options options = {.size = sizeof options, .parent = self->handle};
    assert_true(belay_peek(self->handle, &info));
    assert_status(BELAY_WRONG_THREAD, belay_borrow(self->handle, &object));
    assert_status(BELAY_WRONG_THREAD, belay_close(self->handle, NULL));
    assert_status(BELAY_WRONG_THREAD, belay_resize(self->handle, 5));
    assert_status(BELAY_WRONG_THREAD, belay_close_wait(self->handle, 10, NULL));
    assert_status(BELAY_WRONG_THREAD, belay_own(info.type, &child, &options, &below));
    assert_null(object);
    return NULL;
}

/* Goal: a pinned object is its thread's alone, and stays open when others try. Method:
 * borrow, close and own below it elsewhere; then here. */
TRIAL(pinned_objects_are_their_threads) {
    belay_report_to(thing_report_sink, NULL);
    belay_type type = guarded(BELAY_GUARD_SHARED, BELAY_THREAD_PINNED);
    thing object = {0};
    closing work = {.handle = thing_own(type, &object)};
    uint64_t before = thing_state(work.handle);
    thing_on_thread(borrow_pinned, &work);
    /* close_wait may leave its mark; it changes nothing but the path. */
    assert_true(((thing_state(work.handle) ^ before) & ~BELAY_STATE_WATCHED) == 0);
    assert_true(thing_reported(BELAY_REPORT_WRONG_THREAD) >= 2);
    assert_true(thing_stats(type).misused >= 2);
    thing_borrow(work.handle, &object);
    assert_status(BELAY_OK, belay_return(work.handle));
    assert_status(BELAY_OK, belay_close(work.handle, NULL));
    assert_int_equal(object.destroyed, 1);
}

/* Goal: the net never destroys a pinned object; it reports it as forgotten. Method: a
 * dead net, a drain, then the owner closes by hand. */
TRIAL(net_leaves_pinned_objects) {
    belay_report_to(thing_report_sink, NULL);
    belay_type type = guarded(BELAY_GUARD_SHARED, BELAY_THREAD_PINNED);
    thing object = {0};
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    belay_handle handle = thing_bind(first, type, &object, (belay_handle){0});
    belay__bind_dead(first, 1);
    assert_status(BELAY_OK, belay_drain(5000));
    assert_int_equal(thing_destroyed(&object), 0);
    assert_int_equal(thing_reported(BELAY_REPORT_FORGOTTEN), 1);
    thing_borrow(handle, &object);
    assert_status(BELAY_OK, belay_return(handle));
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(object.destroyed, 1);
    assert_int_equal(thing_stats(type).closed, 1);
    assert_int_equal(thing_stats(type).rescued, 0);
}

/* Goal: pumped destructors run in the pump only. Method: close from another thread, by a
 * last return and by the net; none runs before the pump, which counts them. */
TRIAL(pumped_objects_wait_for_the_pump) {
    belay_type type = guarded(BELAY_GUARD_SHARED, BELAY_THREAD_PUMPED);
    thing objects[3] = {{0}};
    assert_int_equal(belay_type_pump(type), 0);
    closing work = {.handle = thing_own(type, &objects[0])};
    thing_on_thread(close_it, &work);
    assert_status(BELAY_OK, work.status);
    belay_handle used = thing_own(type, &objects[1]);
    thing_borrow(used, &objects[1]);
    assert_status(BELAY_OK, belay_close(used, NULL));
    assert_status(BELAY_OK, belay_return(used));
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    belay_handle netted = thing_bind(first, type, &objects[2], (belay_handle){0});
    belay__bind_dead(first, 1);
    for (int i = 0; i < 5000 && !(thing_state(netted) & BELAY_STATE_CLOSED); i++) {
        pause_ms(1);
    }
    pause_ms(10);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(thing_destroyed(&objects[i]), 0);
    }
    void *lent = NULL;
    assert_status(BELAY_CLOSED, belay_borrow(netted, &lent));
    size_t ran = belay_type_pump(type);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(thing_destroyed(&objects[i]), 1);
        assert_true(pthread_equal(objects[i].by, pthread_self()));
    }
    assert_int_equal(ran, 3);
    assert_int_equal(belay_type_pump(type), 0);
    assert_int_equal(thing_stats(type).rescued, 1);
    assert_int_equal(thing_stats(type).live, 0);
}

/* Goal: the pump keeps the order of the closes, newest child first. Method: close a
 * family and a stranger, then pump; look at who was destroyed when. */
TRIAL(pump_keeps_the_order) {
    belay_type type = guarded(BELAY_GUARD_SHARED, BELAY_THREAD_PUMPED);
    thing objects[4] = {{0}};
    assert_int_equal(belay_type_pump(type), 0);
    belay_handle parent = thing_own(type, &objects[2]);
    (void)thing_own_below(type, &objects[1], parent);
    (void)thing_own_below(type, &objects[0], parent);
    belay_handle stranger = thing_own(type, &objects[3]);
    assert_status(BELAY_OK, belay_close(parent, NULL));
    assert_status(BELAY_OK, belay_close(stranger, NULL));
    assert_int_equal(belay_type_pump(type), 3); /* the parent went with its last child */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(objects[i].order, i + 1);
    }
}

/* A library that can't take two calls at once: counts who is inside. */
static int library_inside = 0;
static int library_overlaps = 0;
static int library_calls = 0;

static void library_call(void) {
    if (__atomic_add_fetch(&library_inside, 1, __ATOMIC_ACQ_REL) != 1) {
        __atomic_add_fetch(&library_overlaps, 1, __ATOMIC_ACQ_REL);
    }
    __atomic_add_fetch(&library_calls, 1, __ATOMIC_ACQ_REL);
    for (volatile int i = 0; i < 50; i++) {
    }
    __atomic_sub_fetch(&library_inside, 1, __ATOMIC_ACQ_REL);
}

static int library_drop(void *context, void *object) {
    library_call();
    return thing_destroy(context, object);
}

static uint64_t library_size(void *context, void *object) {
    (void)context;
    (void)object;
    library_call();
    return 64;
}

#define ROUNDS 300

typedef struct crowd {
    belay_type type;
    belay_handle root;
    thing objects[ROUNDS];
} crowd;

static void *crowd_run(void *data) {
    crowd *self = data;
    for (int i = 0; i < ROUNDS; i++) {
        void *object = NULL;
        belay_own_options options = {.size = sizeof options, .parent = self->root};
        belay_handle handle = {0};
        assert_status(
                BELAY_OK, belay_own(self->type, &self->objects[i], &options, &handle));
        assert_status(BELAY_OK, belay_borrow(handle, &object));
        library_call();
        assert_status(BELAY_OK, belay_return(handle));
        assert_status(BELAY_OK, belay_measure(handle));
        assert_status(BELAY_OK, belay_borrow(self->root, &object));
        library_call();
        assert_status(BELAY_OK, belay_return(self->root));
        assert_status(BELAY_OK, belay_close(handle, NULL));
    }
    return NULL;
}

/* Goal: neither threads nor the net's worker enter a library that takes one call at a
 * time. Method: four threads and a stream of dead nets over one domain, and over a serial
 * type; the library counts overlapping calls. */
TRIAL(library_is_never_entered_twice) {
    static crowd crowds[4];
    static thing forgotten[64];
    for (int serial = 0; serial < 2; serial++) {
        belay_type type = thing_type_of((belay_type_options){.destroy = library_drop,
                .size_of = library_size,
                .guard = serial ? BELAY_GUARD_SHARED : BELAY_GUARD_DOMAIN,
                .thread = serial ? BELAY_THREAD_SERIAL : BELAY_THREAD_ANY});
        thing root = {0};
        belay_handle top = thing_own(type, &root);
        uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
        pthread_t threads[4];
        for (int i = 0; i < 4; i++) {
            memset(&crowds[i], 0, sizeof crowds[i]);
            crowds[i].type = type;
            crowds[i].root = top;
            assert_int_equal(pthread_create(&threads[i], NULL, crowd_run, &crowds[i]), 0);
        }
        memset(forgotten, 0, sizeof forgotten);
        for (uint32_t i = 0; i < 64; i++) {
            (void)thing_bind(first + i, type, &forgotten[i], top);
            belay__bind_dead(first + i, 1);
        }
        for (int i = 0; i < 4; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        }
        assert_status(BELAY_OK, belay_drain(20000));
        assert_status(BELAY_OK, belay_close(top, NULL));
        for (int i = 0; i < 64; i++) {
            assert_int_equal(forgotten[i].destroyed, 1);
        }
        assert_int_equal(thing_stats(type).live, 0);
    }
    assert_int_equal(library_overlaps, 0);
    assert_true(library_calls > 8 * ROUNDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(guards_keep_out_what_they_say),
            cmocka_unit_test(nested_borrows_work),
            cmocka_unit_test(destructors_run_under_the_guard),
            cmocka_unit_test(owner_of_the_guard_may_close),
            cmocka_unit_test(parents_guard_is_not_waited_for),
            cmocka_unit_test(size_callback_runs_under_the_guard),
            cmocka_unit_test(close_wait_for_oneself_is_refused),
            cmocka_unit_test(pinned_objects_are_their_threads),
            cmocka_unit_test(net_leaves_pinned_objects),
            cmocka_unit_test(pumped_objects_wait_for_the_pump),
            cmocka_unit_test(pump_keeps_the_order),
            cmocka_unit_test(library_is_never_entered_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
