/* SPDX-License-Identifier: MIT */
/* fork_test.c - fork without exec: what the child can go on with. */
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "address.h"
#include "family.h"
#include "ledger.h"
#include "thing.h"
#include "watch.h"

#define FORKS 120
#define BUSY_THREADS 4
#define BUSY_ITEMS 64

/* An object that a second destruction, or one of an object that never was, ends the
 * process. Its word is private memory, so a child has it as it was at the fork. */
typedef struct item {
    int is_live;
} item;

static int item_destroy(void *context, void *object) {
    int live = 1;
    (void)context;
    if (!__atomic_compare_exchange_n(&((item *)object)->is_live, &live, 0, false,
                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        abort();
    }
    return 0;
}

static belay_handle item_own(belay_type type, item *self, belay_handle parent) {
    belay_own_options options = {.size = sizeof options,
            .size_bytes = BELAY_CREDIT_BYTES, /* the total is looked at each time */
            .parent = parent,
            .site = "item i.c:1"};
    belay_handle handle = {0};
    __atomic_store_n(&self->is_live, 1, __ATOMIC_RELEASE);
    if (belay_own(type, self, &options, &handle) != BELAY_OK) {
        __atomic_store_n(&self->is_live, 0, __ATOMIC_RELEASE);
    }
    return handle;
}

/* Waits for the child, which must have ended well. */
static void await_child(pid_t child) {
    int status = 0;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        fail_msg("the child was ended by signal %d", WTERMSIG(status));
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void quietly(void) {
    setenv("BELAY_STDERR", "0", 1);
    setenv("BELAY_LEVEL", "all", 1);
}

typedef struct busy {
    belay_type plain, guarded;
    belay_handle shared; /* a guarded object that everyone enters */
    int number;
    int must_stop;
    int rounds;
} busy;

static busy busy_threads[BUSY_THREADS];

static void intern(int number) {
    char site[32];
    int length = snprintf(site, sizeof site, "site %d.c:1", number % 1000);
    assert_true(belay__bind_site(site, (size_t)length) != 0);
}

/* A little of everything; what others do to the objects meanwhile may refuse a step. */
static void busy_round(const busy *self, item *items) {
    void *object = NULL;
    int code = 0;
    belay_stats stats;
    belay_handle top = item_own(self->plain, &items[0], (belay_handle){0});
    (void)item_own(self->plain, &items[1], top);
    (void)item_own(self->plain, &items[2], top);
    belay_handle guarded = item_own(self->guarded, &items[3], (belay_handle){0});
    if (belay_borrow(top, &object) == BELAY_OK) {
        (void)belay_return(top);
    }
    if (belay_borrow(self->shared, &object) == BELAY_OK) {
        sched_yield(); /* so that others find it taken */
        (void)belay_return(self->shared);
    }
    intern(self->rounds);
    (void)belay_close_wait(guarded, 1000, &code);
    (void)belay_close(top, NULL);
    assert_status(BELAY_CLOSED, belay_borrow(top, &object)); /* misuse: reported */
    belay_type_stats((belay_type){0}, &stats);
}

static void *busy_run(void *data) {
    busy *self = data;
    static item items[BUSY_THREADS][BUSY_ITEMS];
    for (int at = 0; !__atomic_load_n(&self->must_stop, __ATOMIC_ACQUIRE);
            at = (at + 4) % BUSY_ITEMS) {
        bool is_free = true;
        for (int i = 0; i < 4; i++) {
            is_free = is_free && !__atomic_load_n(&items[self->number][at + i].is_live,
                                         __ATOMIC_ACQUIRE);
        }
        if (is_free) {
            busy_round(self, &items[self->number][at]);
            __atomic_add_fetch(&self->rounds, 1, __ATOMIC_ACQ_REL);
        }
    }
    return NULL;
}

/* The child of a fork: everything must answer. */
static void child_works(const busy *parent) {
    static item own[8];
    void *object = NULL;
    alarm(TRIAL_SECONDS / 4);
    belay_handle top = item_own(parent->plain, &own[0], (belay_handle){0});
    belay_handle below = item_own(parent->plain, &own[1], top);
    belay_handle guarded = item_own(parent->guarded, &own[2], (belay_handle){0});
    assert_status(BELAY_OK, belay_borrow(below, &object));
    assert_status(BELAY_OK, belay_return(below));
    assert_status(BELAY_OK, belay_borrow(guarded, &object));
    assert_status(BELAY_OK, belay_return(guarded));
    assert_status(BELAY_OK, belay_close(top, NULL));
    assert_int_equal(own[0].is_live + own[1].is_live, 0);
    assert_status(BELAY_CLOSED, belay_borrow(top, &object));
    belay_status shared = belay_borrow(parent->shared, &object);
    assert_true(shared == BELAY_OK || shared == BELAY_WOULD_DEADLOCK);
    if (shared == BELAY_OK) {
        assert_status(BELAY_OK, belay_return(parent->shared));
    }
    /* Every stripe of every lock. */
    static item many[256];
    for (int i = 0; i < 256; i++) {
        belay_handle handle = item_own(parent->guarded, &many[i], (belay_handle){0});
        (void)item_own(parent->plain, &own[3], handle);
        assert_status(BELAY_OK, belay_close_wait(handle, 10000, NULL));
        assert_int_equal(many[i].is_live + own[3].is_live, 0);
        intern(i);
    }
    belay_type type = {0};
    belay_type_options options = {.size = sizeof options, .name = "child's"};
    assert_status(BELAY_OK, belay_type_create(&options, &type));
    assert_status(BELAY_OK, belay_drain(1000));
    belay_report_flush();
    belay_stats stats;
    belay_type_stats(parent->plain, &stats);
    assert_true(stats.opened >= 2);
    (void)belay_shutdown(20, NULL);
    (void)belay_shutdown(0, NULL);
}

/* Goal: a child of a fork can use everything, whatever other threads were inside, and
 * destroys no object that is not there. Method: threads open, close, wait, err and count
 * all the time, while this one forks; each child does all of it too, against a clock. */
TRIAL(child_works_whatever_the_others_did) {
    quietly();
    static item shared_item;
    belay_type plain =
            thing_type_of((belay_type_options){.name = "p", .destroy = item_destroy});
    belay_type guarded = thing_type_of((belay_type_options){
            .name = "g", .destroy = item_destroy, .guard = BELAY_GUARD_EXCLUSIVE});
    belay_handle shared = item_own(guarded, &shared_item, (belay_handle){0});
    pthread_t threads[BUSY_THREADS];
    for (int i = 0; i < BUSY_THREADS; i++) {
        busy_threads[i] = (busy){plain, guarded, shared, i, 0, 0};
        assert_int_equal(
                pthread_create(&threads[i], NULL, busy_run, &busy_threads[i]), 0);
    }
    for (int i = 0; i < FORKS; i++) {
        thing_await(&busy_threads[i % BUSY_THREADS].rounds, i);
        pid_t child = fork();
        if (child == 0) {
            child_works(&busy_threads[0]);
            _exit(0);
        }
        await_child(child);
    }
    for (int i = 0; i < BUSY_THREADS; i++) {
        __atomic_store_n(&busy_threads[i].must_stop, 1, __ATOMIC_RELEASE);
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_status(BELAY_OK, belay_shutdown(20000, NULL));
    assert_int_equal(thing_stats(plain).live + thing_stats(guarded).live, 0);
}

typedef struct locker {
    const char *name;
    void (*take)(void); /* what takes that lock, and no other before it */
    int has_begun, has_lock;
} locker;

static belay_type locked_type;
static belay_handle locked_child, locked_guarded;

static void take_type(void) {
    (void)belay_type_pump(locked_type);
}

static void take_site(void) {
    intern(1);
}

static void take_stripe(void) {
    static item object;
    (void)item_own(locked_type, &object, (belay_handle){0});
}

static void take_table(void) {
    (void)belay__bind_single_take();
}

static void take_family(void) {
    assert_status(BELAY_OK, belay__family_claim_childless(locked_child));
}

static void take_guard(void) {
    void *object = NULL;
    uint32_t guard = 0;
    assert_status(BELAY_BUSY, belay__bind_borrow(locked_guarded.bits,
                                      64 | BELAY__IDENTITY_FOREIGN, 0, &object, &guard));
}

static void take_address(void) {
    (void)belay__address_record(64, 0);
}

static void take_account(void) {
    belay_account_watch(0, NULL, NULL);
}

static void take_queue(void) {
    (void)belay_drain(0);
}

static void take_report(void) {
    belay_report_to(NULL, NULL);
}

static void take_watch(void) {
    belay__watch_hook(NULL);
}

static void take_ledger(void) {
    (void)belay__ledger_segment_add(BELAY_LEDGER_NONE, 0, 1, 64);
}

static locker lockers[] = {{"type", take_type, 0, 0}, {"site", take_site, 0, 0},
        {"stripe", take_stripe, 0, 0}, {"table", take_table, 0, 0},
        {"family", take_family, 0, 0}, {"guard", take_guard, 0, 0},
        {"address", take_address, 0, 0}, {"account", take_account, 0, 0},
        {"queue", take_queue, 0, 0}, {"report", take_report, 0, 0},
        {"watch", take_watch, 0, 0}, {"ledger", take_ledger, 0, 0}};

#define LOCKERS (sizeof lockers / sizeof lockers[0])

static int may_lock = 0;
static bool is_locking = false;
static thing *ended_meanwhile = NULL;

static void *run_locker(void *data) {
    locker *self = data;
    thing_await(&may_lock, 1);
    __atomic_store_n(&self->has_begun, 1, __ATOMIC_RELEASE);
    self->take();
    __atomic_store_n(&self->has_lock, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Handlers that are outside of the core's, which a constructor without priority
 * registers: after its locks are taken, threads try each; the child gives the parent time
 * to go on, or the parent waits for the end of the child. */
static bool is_child_late = false;
static bool is_parent_late = false;

static void all_is_locked(void) {
    if (ended_meanwhile != NULL) {
        __atomic_store_n(&may_lock, 1, __ATOMIC_RELEASE);
        thing_await(&ended_meanwhile->destroyed, 1);
    }
    if (!is_locking) {
        return;
    }
    __atomic_store_n(&may_lock, 1, __ATOMIC_RELEASE);
    for (size_t i = 0; i < LOCKERS; i++) {
        thing_await(&lockers[i].has_begun, 1);
    }
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    for (size_t i = 0; i < LOCKERS; i++) {
        if (__atomic_load_n(&lockers[i].has_lock, __ATOMIC_ACQUIRE)) {
            fail_msg("the fork does not take the lock of %s", lockers[i].name);
        }
    }
}

static void child_comes_late(void) {
    if (is_parent_late) {
        alarm(TRIAL_SECONDS / 4);
    }
    if (is_child_late) {
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    }
}

static void parent_comes_late(void) {
    siginfo_t info;
    if (is_parent_late) {
        assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    }
}

__attribute__((constructor(101))) static void register_late(void) {
    pthread_atfork(all_is_locked, parent_comes_late, child_comes_late);
}

/* Goal: a fork has every lock while it happens. Method: while it does, a thread a lock
 * does what needs it; none may get it before the fork is over, all must after it. */
TRIAL(fork_takes_every_lock) {
    quietly();
    static thing objects[3];
    pthread_t threads[LOCKERS];
    void *object = NULL;
    belay_type plain = thing_type();
    belay_type guarded =
            thing_type_of((belay_type_options){.guard = BELAY_GUARD_EXCLUSIVE});
    locked_type = thing_type_of(
            (belay_type_options){.destroy = item_destroy, .thread = BELAY_THREAD_PUMPED});
    locked_child = thing_own_below(plain, &objects[1], thing_own(plain, &objects[0]));
    locked_guarded = thing_own(guarded, &objects[2]);
    assert_status(BELAY_OK, belay_borrow(locked_guarded, &object));
    for (size_t i = 0; i < LOCKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run_locker, &lockers[i]), 0);
    }
    intern(0); /* makes room for more */
    is_locking = true;
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    await_child(child);
    for (size_t i = 0; i < LOCKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(lockers[i].has_lock, 1);
    }
}

/* Goal: a child has the objects as they were at the fork, not as the parent makes them
 * after it. Method: the child comes late; the parent closes one object and opens another
 * at once. */
TRIAL(child_has_the_objects_of_the_fork) {
    quietly();
    static item items[2];
    belay_type type =
            thing_type_of((belay_type_options){.name = "p", .destroy = item_destroy});
    belay_handle handle = item_own(type, &items[0], (belay_handle){0});
    is_child_late = true;
    pid_t child = fork();
    if (child == 0) {
        void *object = NULL;
        belay_remains remains = {0};
        alarm(TRIAL_SECONDS / 4);
        assert_status(BELAY_OK, belay_borrow(handle, &object));
        assert_ptr_equal(object, &items[0]);
        assert_status(BELAY_OK, belay_return(handle));
        assert_status(BELAY_OK, belay_shutdown(1000, &remains));
        assert_int_equal(remains.leaked, 1);
        assert_int_equal(items[0].is_live, 0);
        _exit(0);
    }
    assert_status(BELAY_OK, belay_close(handle, NULL));
    (void)item_own(type, &items[1], (belay_handle){0});
    await_child(child);
}

static void *close_when_told(void *data) {
    thing_await(&may_lock, 1);
    assert_status(BELAY_OK, belay_close(*(belay_handle *)data, NULL));
    return NULL;
}

/* Goal: the child does not destroy again what another thread destroyed after the core
 * began to fork. Method: a thread closes an object then; the child ends. */
TRIAL(object_ended_meanwhile) {
    quietly();
    static thing objects[2];
    belay_type type = thing_type();
    belay_handle handle = thing_own(type, &objects[0]);
    (void)thing_own(type, &objects[1]);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, close_when_told, &handle), 0);
    ended_meanwhile = &objects[0];
    pid_t child = fork();
    if (child == 0) {
        void *object = NULL;
        belay_remains remains = {0};
        alarm(TRIAL_SECONDS / 4);
        assert_status(BELAY_CLOSED, belay_borrow(handle, &object));
        assert_status(BELAY_TIMED_OUT, belay_shutdown(20, &remains));
        assert_int_equal(remains.held, 1);
        assert_int_equal(objects[0].destroyed, 1);
        assert_int_equal(objects[1].destroyed, 1);
        _exit(0);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    await_child(child);
}

/* Goal: a child does not wait for ever for a parent that is stopped. Method: the parent
 * waits, in the middle of its fork, until the child has ended. */
TRIAL(parent_is_stopped) {
    quietly();
    static item items[2];
    belay_type type =
            thing_type_of((belay_type_options){.name = "p", .destroy = item_destroy});
    belay_handle handle = item_own(type, &items[0], (belay_handle){0});
    is_parent_late = true;
    pid_t child = fork();
    if (child == 0) {
        alarm(TRIAL_SECONDS / 4);
        assert_status(BELAY_OK, belay_close(handle, NULL));
        assert_int_equal(items[0].is_live, 0);
        _exit(0);
    }
    await_child(child);
    assert_status(BELAY_OK, belay_close(handle, NULL));
}

typedef struct inside {
    belay_handle handle;
    int is_in;
    int must_go;
} inside;

static void *stay_inside(void *data) {
    inside *self = data;
    void *object = NULL;
    assert_status(BELAY_OK, belay_borrow(self->handle, &object));
    __atomic_store_n(&self->is_in, 1, __ATOMIC_RELEASE);
    thing_await(&self->must_go, 1);
    assert_status(BELAY_OK, belay_return(self->handle));
    return NULL;
}

/* Goal: who waits in the child for a guard that a thread of the parent held gets an
 * answer. Method: a thread stays inside a serial type; the child borrows, closes and ends
 * objects of it; the parent's thread goes on as if nothing was. */
TRIAL(guard_of_a_thread_left_behind) {
    quietly();
    thing objects[2] = {{0}};
    belay_type type = thing_type_of((belay_type_options){.thread = BELAY_THREAD_SERIAL});
    inside work = {.handle = thing_own(type, &objects[0])};
    belay_handle other = thing_own(type, &objects[1]);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stay_inside, &work), 0);
    thing_await(&work.is_in, 1);
    pid_t child = fork();
    if (child == 0) {
        void *object = NULL;
        belay_remains remains = {0};
        alarm(TRIAL_SECONDS / 4);
        assert_status(BELAY_WOULD_DEADLOCK, belay_borrow(other, &object));
        assert_status(BELAY_WOULD_DEADLOCK, belay_close(other, NULL));
        assert_status(BELAY_TIMED_OUT, belay_shutdown(100, &remains));
        assert_int_equal(remains.held, 2);
        assert_status(BELAY_OK, belay_drain(UINT64_MAX));
        _exit(0);
    }
    await_child(child);
    __atomic_store_n(&work.must_go, 1, __ATOMIC_RELEASE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_status(BELAY_OK, belay_close(other, NULL));
    assert_status(BELAY_OK, belay_shutdown(20000, NULL));
}

static pid_t born_inside = -1;

static void fork_inside(void *unused) {
    (void)unused;
    born_inside = fork();
    if (born_inside == 0) {
        alarm(TRIAL_SECONDS / 4);
    }
}

static inside worker;

static void stay_in_the_worker(void *unused) {
    (void)unused;
    __atomic_store_n(&worker.is_in, 1, __ATOMIC_RELEASE);
    thing_await(&worker.must_go, 1);
}

/* Goal: in the child nobody waits for what the net's worker had in hand, and the object
 * is not destroyed there; what waited in the queue is. Method: a destructor waits, and
 * another object behind it; the child drains without a limit, forks in that object's
 * destructor, where its child drains as well, and forgets an object of its own. */
TRIAL(worker_left_behind) {
    if (TRIAL_UNDER_TSAN) {
        return;
    }
    quietly();
    static thing objects[3];
    belay_type type = thing_type();
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    objects[0].inside = stay_in_the_worker;
    (void)thing_bind(first, type, &objects[0], (belay_handle){0});
    belay__bind_dead(first, 1);
    thing_await(&worker.is_in, 1);
    (void)thing_bind(first + 2, type, &objects[2], (belay_handle){0});
    belay__bind_dead(first + 2, 1);
    pid_t child = fork();
    if (child == 0) {
        alarm(TRIAL_SECONDS / 4);
        objects[2].inside = fork_inside;
        assert_status(BELAY_OK, belay_drain(UINT64_MAX));
        assert_int_equal(objects[2].destroyed, 1);
        if (born_inside == 0) {
            _exit(0);
        }
        await_child(born_inside);
        assert_int_equal(objects[0].destroyed, 1); /* as it was: in its destructor */
        (void)thing_bind(first + 1, type, &objects[1], (belay_handle){0});
        belay__bind_dead(first + 1, 1);
        assert_status(BELAY_OK, belay_drain(UINT64_MAX));
        assert_int_equal(thing_destroyed(&objects[1]), 1);
        assert_int_equal(objects[0].destroyed, 1);
        _exit(0);
    }
    await_child(child);
    __atomic_store_n(&worker.must_go, 1, __ATOMIC_RELEASE);
    assert_status(BELAY_OK, belay_drain(20000));
}

/* Goal: what the worker had in hand, and had not come to, is destroyed in the child, and
 * in the parent. Method: the first of 64 destructors waits; fork; the child drains. */
TRIAL(batch_left_behind) {
    if (TRIAL_UNDER_TSAN) {
        return;
    }
    quietly();
    static thing objects[64];
    belay_type type = thing_type();
    uint32_t first = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    objects[0].inside = stay_in_the_worker;
    for (uint32_t i = 0; i < 64; i++) {
        (void)thing_bind(first + i, type, &objects[i], (belay_handle){0});
    }
    belay__bind_dead(first, 64);
    thing_await(&worker.is_in, 1);
    pid_t child = fork();
    if (child == 0) {
        alarm(TRIAL_SECONDS / 4);
        assert_status(BELAY_OK, belay_drain(UINT64_MAX));
        for (uint32_t i = 0; i < 64; i++) {
            assert_int_equal(objects[i].destroyed, 1);
        }
        _exit(0);
    }
    await_child(child);
    __atomic_store_n(&worker.must_go, 1, __ATOMIC_RELEASE);
    assert_status(BELAY_OK, belay_drain(20000));
    for (uint32_t i = 0; i < 64; i++) {
        assert_int_equal(thing_destroyed(&objects[i]), 1);
    }
}

/* Goal: a destructor, a sink and a watch's notify may fork, and both processes go on
 * from there. Method: fork in a guarded destructor that the net's queue runs on this
 * thread, below a parent; both sides drain, close the rest, and end. */
TRIAL(destructor_forks) {
    quietly();
    static thing objects[3];
    belay_type type = thing_type_of((belay_type_options){
            .guard = BELAY_GUARD_DOMAIN, .on_error = BELAY_ON_ERROR_KEPT});
    belay_handle top = thing_own(type, &objects[0]);
    (void)thing_own_below(type, &objects[1], top);
    (void)thing_own_below(type, &objects[2], top);
    objects[1].inside = fork_inside;
    assert_status(BELAY_OK, belay_close_wait(top, 20000, NULL));
    assert_status(BELAY_OK, belay_shutdown(20000, NULL));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(objects[i].destroyed, 1);
    }
    if (born_inside == 0) {
        _exit(0);
    }
    await_child(born_inside);
}

static void sink_forks(void *data, const belay_report *report) {
    (void)report;
    if (born_inside == -1) {
        fork_inside(data);
    }
}

/* Goal: reports are sent with no lock held. Method: the sink forks; both sides report
 * more and end. */
TRIAL(sink_may_fork) {
    quietly();
    belay_report_to(sink_forks, NULL);
    thing object = {0};
    void *lent = NULL;
    belay_handle handle = thing_own(thing_type(), &object);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_status(BELAY_CLOSED, belay_borrow(handle, &lent));
    assert_int_not_equal(born_inside, -1);
    assert_status(BELAY_NOT_BORROWED, belay_return(handle));
    assert_status(BELAY_OK, belay_shutdown(20000, NULL));
    if (born_inside == 0) {
        _exit(0);
    }
    await_child(born_inside);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(child_works_whatever_the_others_did),
            cmocka_unit_test(fork_takes_every_lock),
            cmocka_unit_test(child_has_the_objects_of_the_fork),
            cmocka_unit_test(object_ended_meanwhile),
            cmocka_unit_test(parent_is_stopped),
            cmocka_unit_test(guard_of_a_thread_left_behind),
            cmocka_unit_test(worker_left_behind),
            cmocka_unit_test(batch_left_behind),
            cmocka_unit_test(destructor_forks),
            cmocka_unit_test(sink_may_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
