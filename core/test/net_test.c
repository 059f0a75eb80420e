/* SPDX-License-Identifier: MIT */
/* net_test.c - what a language's collector found is destroyed by the worker, in batches.
 */
#include <dirent.h>
#include <signal.h>
#include <time.h>

#include "thing.h"

static void drained(void) {
    assert_status(BELAY_OK, belay_drain(20000));
}

/* Goal: a forgotten object is destroyed by the worker, once, and reported with the line
 * that opened it. Method: own in a slot of an exact group with a site, drop the net,
 * drain. */
TRIAL(forgotten_object_is_rescued) {
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type_of((belay_type_options){.size_bytes = 100});
    thing object = {0};
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    uint32_t site = belay__bind_site("main.open a.go:12", 17);
    belay_handle handle = {0};
    assert_status(BELAY_OK,
            belay__bind_own(first, type.id, &object, 100, 0, site, 0, &handle.bits));
    assert_int_equal(thing_stats(type).live_bytes, 100);
    belay__bind_dead(first, 1);
    drained();
    assert_int_equal(thing_destroyed(&object), 1);
    belay_stats stats = thing_stats(type);
    assert_int_equal(stats.rescued, 1);
    assert_int_equal(stats.closed, 0);
    assert_int_equal(stats.live, 0);
    assert_int_equal(stats.live_bytes, 0);
    assert_int_equal(thing_reported(BELAY_REPORT_RESCUE), 1);
    const belay_report *report = thing_report_last(BELAY_REPORT_RESCUE);
    assert_string_equal(report->opened, "main.open a.go:12");
    assert_string_equal(report->type_name, "thing");
    assert_non_null(strstr(report->message, "a.go:12"));
    assert_int_equal(belay__bind_single_take(), first);
    assert_int_equal(belay__bind_single_take(), 0);
}

/* Goal: a report of rescues names one that was rescued. Method: of a shared net the first
 * object refuses. */
TRIAL(rescue_names_the_rescued) {
    belay_report_to(thing_report_sink, NULL);
    belay_type type =
            thing_type_of((belay_type_options){.on_error = BELAY_ON_ERROR_KEPT});
    static thing objects[64];
    belay_handle handles[64];
    uint32_t first = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    objects[0].code = objects[0].answers = 1;
    for (uint32_t i = 0; i < 64; i++) {
        handles[i] = thing_bind(first + i, type, &objects[i], (belay_handle){0});
    }
    belay__bind_dead(first, 64);
    drained();
    assert_int_equal(thing_reported(BELAY_REPORT_DESTROY_REFUSED), 1);
    assert_int_equal(thing_reported(BELAY_REPORT_RESCUE), 63);
    assert_true(thing_report_last(BELAY_REPORT_RESCUE)->handle.bits == handles[1].bits);
    assert_status(BELAY_OK, belay_close(handles[0], NULL));
}

/* Goal: a type whose net may only report keeps its objects. Method: drop the net, drain,
 * find the object open and reported; close it by hand, and get the slot back. */
TRIAL(report_only_net_keeps_the_object) {
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type_of((belay_type_options){.net = BELAY_NET_REPORT});
    thing object = {0};
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    belay_handle handle = thing_bind(first, type, &object, (belay_handle){0});
    belay__bind_dead(first, 1);
    drained();
    assert_int_equal(object.destroyed, 0);
    assert_int_equal(thing_reported(BELAY_REPORT_FORGOTTEN), 1);
    assert_int_equal(belay__bind_single_take(), 0);
    thing_borrow(handle, &object);
    assert_status(BELAY_OK, belay_return(handle));
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(object.destroyed, 1);
    assert_int_equal(thing_stats(type).closed, 1);
    assert_int_equal(belay__bind_single_take(), first);
}

/* Goal: a borrowed object outlives its net until the last return, which counts as rescue.
 * Method: borrow, drop the net, wait for the flag, return. */
TRIAL(borrowed_object_outlives_its_net) {
    belay_type type = thing_type();
    thing object = {0};
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    belay_handle handle = thing_bind(first, type, &object, (belay_handle){0});
    thing_borrow(handle, &object);
    belay__bind_dead(first, 1);
    while (!(thing_state(handle) & BELAY_STATE_CLOSED)) {
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    drained(); /* and is done with the slot */
    assert_true(thing_state(handle) & BELAY_STATE_NETTED);
    assert_int_equal(thing_destroyed(&object), 0);
    assert_int_equal(belay__bind_single_take(), 0);
    assert_status(BELAY_OK, belay_return(handle));
    assert_int_equal(thing_destroyed(&object), 1);
    assert_int_equal(thing_stats(type).rescued, 1);
    assert_int_equal(belay__bind_single_take(), first);
}

static size_t batch_sizes[64];
static int batch_calls = 0;
static int batch_objects = 0;

static void destroy_many(void *context, void *const *objects, int *codes, size_t count) {
    int call = __atomic_fetch_add(&batch_calls, 1, __ATOMIC_ACQ_REL);
    if (call < 64) {
        batch_sizes[call] = count;
    }
    for (size_t i = 0; i < count; i++) {
        codes[i] = thing_destroy(context, objects[i]);
        __atomic_add_fetch(&batch_objects, 1, __ATOMIC_ACQ_REL);
    }
}

/* Goal: the net destroys in batches of at most 64 where the type can, and a close does
 * not. Method: four shared nets of 64, a few exact ones, which make no full batch, and
 * one close by hand. */
TRIAL(net_destroys_in_batches) {
    belay_type type = thing_type_of((belay_type_options){
            .destroy_many = destroy_many, .on_error = BELAY_ON_ERROR_KEPT});
    static thing objects[4 * 64];
    static thing last;
    uint32_t firsts[4];
    for (int group = 0; group < 4; group++) {
        firsts[group] = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
        for (uint32_t i = 0; i < 64; i++) {
            (void)thing_bind(firsts[group] + i, type, &objects[group * 64 + (int)i],
                    (belay_handle){0});
        }
    }
    objects[70].code = 5;
    objects[70].answers = 1;
    for (int group = 0; group < 4; group++) {
        belay__bind_dead(firsts[group], 64);
    }
    drained();
    for (int i = 0; i < 4 * 64; i++) {
        assert_int_equal(thing_destroyed(&objects[i]), 1);
    }
    assert_int_equal(batch_objects, 256);
    assert_in_range(batch_calls, 4, 64);
    for (int i = 0; i < batch_calls; i++) {
        assert_in_range(batch_sizes[i], 1, BELAY_BATCH_MAX);
    }
    assert_int_equal(thing_stats(type).rescued, 255);
    assert_int_equal(thing_stats(type).refused, 1);
    assert_int_equal(thing_stats(type).live, 1);
    assert_status(BELAY_OK, belay_close(thing_own(type, &last), NULL));
    assert_int_equal(batch_objects, 256);
    assert_int_equal(last.destroyed, 1);
    static thing few[5];
    uint32_t exact = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    for (uint32_t i = 0; i < 5; i++) {
        (void)thing_bind(exact + i, type, &few[i], (belay_handle){0});
        belay__bind_dead(exact + i, 1);
    }
    drained();
    for (int i = 0; i < 5; i++) {
        assert_int_equal(thing_destroyed(&few[i]), 1);
    }
    assert_int_equal(batch_objects, 261);
}

static void push_more(void *data) {
    for (uint32_t i = 1; i < 20; i++) {
        belay__bind_dead(((uint32_t *)data)[i], 64);
    }
}

/* Goal: groups that are dead together are all used again, once. Method: a destructor
 * finds the next 19, which then are one run of the queue. */
TRIAL(shared_groups_are_recycled_together) {
    belay_type type = thing_type();
    static thing objects[20];
    static uint32_t firsts[20];
    uint32_t found[20] = {0};
    for (uint32_t i = 0; i < 20; i++) {
        firsts[i] = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
        belay__bind_group(firsts[i])->local = ~UINT64_C(1); /* but the first slot */
        (void)thing_bind(firsts[i], type, &objects[i], (belay_handle){0});
    }
    objects[0].inside = push_more;
    objects[0].inside_data = firsts;
    belay__bind_dead(firsts[0], 64);
    drained();
    assert_int_equal(thing_stats(type).rescued, 20);
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t first = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
        for (uint32_t j = 0; j < 20; j++) {
            found[j] += first == firsts[j];
        }
    }
    for (uint32_t j = 0; j < 20; j++) {
        assert_int_equal(found[j], 1);
    }
}

/* Goal: a shared group is used again when it is dead and all its slots are free, once,
 * and not before. Method: a group with a slot that is borrowed over the death of the net.
 */
TRIAL(shared_group_is_recycled_once) {
    belay_type type = thing_type();
    static thing objects[64];
    belay_handle handles[64];
    uint32_t first = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    for (uint32_t i = 0; i < 64; i++) {
        handles[i] = thing_bind(first + i, type, &objects[i], (belay_handle){0});
    }
    for (int i = 0; i < 10; i++) {
        assert_status(BELAY_OK, belay_close(handles[i], NULL));
    }
    thing_borrow(handles[20], &objects[20]);
    belay__bind_dead(first, 64);
    while (!(thing_state(handles[20]) & BELAY_STATE_CLOSED) ||
            thing_destroyed(&objects[63]) == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    uint32_t second = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    assert_int_not_equal(second, first);
    assert_status(BELAY_OK, belay_return(handles[20]));
    drained();
    for (int i = 0; i < 64; i++) {
        assert_int_equal(thing_destroyed(&objects[i]), 1);
    }
    assert_int_equal(belay__bind_group_take(BELAY__GROUP_EXACT, NULL), first);
    assert_int_not_equal(belay__bind_group_take(BELAY__GROUP_SHARED, NULL), first);
    void *lent = NULL;
    assert_status(BELAY_CLOSED, belay_borrow(handles[5], &lent));
    thing again = {0};
    belay_handle reused = thing_bind(first + 5, type, &again, (belay_handle){0});
    assert_true(reused.bits != handles[5].bits);
    assert_status(BELAY_OK, belay_close(reused, NULL));
}

/* Goal: an orphaned exact slot comes back when its object is closed later, once. Method:
 * the net of a free slot, and of a slot whose object is borrowed. */
TRIAL(exact_slots_come_back) {
    belay_type type = thing_type();
    thing object = {0};
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    belay_handle closed = thing_bind(first, type, &object, (belay_handle){0});
    assert_status(BELAY_OK, belay_close(closed, NULL));
    assert_int_equal(belay__bind_single_take(), 0);
    belay__bind_dead(first, 1);
    drained();
    assert_int_equal(belay__bind_single_take(), first);
    assert_int_equal(belay__bind_single_take(), 0);
    thing again = {0};
    belay_handle handle = thing_bind(first, type, &again, (belay_handle){0});
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(belay__bind_single_take(), 0);
    belay__bind_dead(first, 1);
    drained();
    assert_int_equal(belay__bind_single_take(), first);
    assert_int_equal(again.destroyed, 1);
    assert_int_equal(object.destroyed, 1);
}

/* Goal: the worker never waits for a guard; others go on, and the job comes back when the
 * guard is left. Method: hold a domain, forget its child and a stranger. */
TRIAL(worker_does_not_wait_for_a_guard) {
    belay_type type = thing_type_of((belay_type_options){.guard = BELAY_GUARD_DOMAIN});
    thing root = {0};
    thing child = {0};
    thing stranger = {0};
    belay_handle top = thing_own(type, &root);
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    (void)thing_bind(first, type, &child, top);
    (void)thing_bind(first + 1, type, &stranger, (belay_handle){0});
    thing_borrow(top, &root);
    belay__bind_dead(first, 1);
    belay__bind_dead(first + 1, 1);
    thing_await(&stranger.destroyed, 1);
    assert_status(BELAY_TIMED_OUT, belay_drain(30));
    assert_int_equal(thing_destroyed(&child), 0);
    assert_status(BELAY_OK, belay_return(top));
    drained();
    assert_int_equal(thing_destroyed(&child), 1);
    assert_int_equal(thing_stats(type).rescued, 2);
    assert_status(BELAY_OK, belay_close(top, NULL));
}

/* Goal: a forgotten family goes children first, whatever the order in which the nets
 * died. Method: parent and two children in exact slots, all six orders. */
TRIAL(forgotten_family_goes_children_first) {
    static const int orders[6][3] = {
            {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int i = 0; i < 6; i++) {
        belay_type type = thing_type();
        static thing objects[3];
        memset(objects, 0, sizeof objects);
        uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
        belay_handle parent = thing_bind(first, type, &objects[0], (belay_handle){0});
        (void)thing_bind(first + 1, type, &objects[1], parent);
        (void)thing_bind(first + 2, type, &objects[2], parent);
        for (int j = 0; j < 3; j++) {
            belay__bind_dead(first + (uint32_t)orders[i][j], 1);
        }
        drained();
        for (int j = 0; j < 3; j++) {
            assert_int_equal(thing_destroyed(&objects[j]), 1);
            assert_true(objects[j].order <= objects[0].order);
        }
        assert_int_equal(thing_stats(type).rescued, 3);
        assert_int_not_equal(belay__bind_single_take(), 0);
        assert_int_not_equal(belay__bind_single_take(), 0);
        assert_int_not_equal(belay__bind_single_take(), 0);
        assert_int_equal(belay__bind_single_take(), 0);
    }
}

/* Goal: drain returns at once when nothing is there, and after a push it means done.
 * Method: drain an idle core, also with no time; then many rounds of push and drain. */
TRIAL(drain_means_done) {
    assert_status(BELAY_OK, belay_drain(0));
    belay_type type = thing_type();
    uint32_t next = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    uint32_t slot = next;
    for (int i = 0; i < 500; i++) {
        thing object = {0};
        (void)thing_bind(slot, type, &object, (belay_handle){0});
        belay__bind_dead(slot, 1);
        drained();
        assert_int_equal(object.destroyed, 1);
        slot = belay__bind_single_take();
        if (slot == 0) { /* retired, in the narrow build */
            next = next % BELAY__GROUP_SLOTS == BELAY__GROUP_SLOTS - 1
                           ? belay__bind_group_take(BELAY__GROUP_EXACT, NULL)
                           : next + 1;
            slot = next;
        }
    }
    assert_int_equal(thing_stats(type).rescued, 500);
}

/* True if every other thread of this process blocks `signal_number`. */
static bool others_block(int signal_number) {
    DIR *folder = opendir("/proc/self/task");
    assert_non_null(folder);
    bool all = true;
    int seen = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char path[300];
        char line[256];
        long id = strtol(entry->d_name, NULL, 10);
        if (id == 0 || id == (long)getpid()) {
            continue;
        }
        snprintf(path, sizeof path, "/proc/self/task/%ld/status", id);
        FILE *file = fopen(path, "r");
        while (file && fgets(line, sizeof line, file)) {
            if (strncmp(line, "SigBlk:", 7) == 0) {
                unsigned long long mask = strtoull(line + 7, NULL, 16);
                all = all && (mask >> (signal_number - 1) & 1);
                seen++;
            }
        }
        if (file) {
            fclose(file);
        }
    }
    closedir(folder);
    assert_true(seen > 0);
    return all;
}

/* Goal: the worker leaves the program's signals alone and dies by its own faults. Method:
 * let it work once, then read what each of the core's threads blocks. */
TRIAL(worker_blocks_all_but_its_own_faults) {
    static const int open_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    static const int blocked[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPROF,
            SIGALRM, SIGCHLD, SIGPIPE, SIGURG, SIGQUIT};
    if (TRIAL_UNDER_TSAN) {
        return;
    }
    thing object = {0};
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    (void)thing_bind(first, thing_type(), &object, (belay_handle){0});
    belay__bind_dead(first, 1);
    drained();
    for (size_t i = 0; i < sizeof open_signals / sizeof *open_signals; i++) {
        assert_false(others_block(open_signals[i]));
    }
    for (size_t i = 0; i < sizeof blocked / sizeof *blocked; i++) {
        assert_true(others_block(blocked[i]));
    }
}

static void *push_many(void *data) {
    uint32_t first = *(uint32_t *)data;
    for (uint32_t i = 0; i < 64; i++) {
        belay__bind_dead(first + i, 1);
    }
    return NULL;
}

static void use_the_stack(void *unused) {
    volatile char room[400000];
    (void)unused;
    memset((char *)room, 1, sizeof room);
}

/* Goal: destructors have room on the worker's stack, which is small by itself with some C
 * libraries. Method: one that needs 400 kB. */
TRIAL(worker_has_a_stack) {
    belay_type type = thing_type();
    thing object = {.inside = use_the_stack};
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    (void)thing_bind(first, type, &object, (belay_handle){0});
    belay__bind_dead(first, 1);
    assert_status(BELAY_OK, belay_drain(20000));
    assert_int_equal(object.destroyed, 1);
}

/* Goal: no push is lost when several threads push while the worker takes. Method: eight
 * threads, 64 nets each, and a count of what was destroyed. */
TRIAL(no_push_is_lost) {
    static thing objects[8][64];
    uint32_t firsts[8];
    pthread_t threads[8];
    belay_type type = thing_type();
    for (int i = 0; i < 8; i++) {
        firsts[i] = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
        for (uint32_t j = 0; j < 64; j++) {
            (void)thing_bind(firsts[i] + j, type, &objects[i][j], (belay_handle){0});
        }
    }
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, push_many, &firsts[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    drained();
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 64; j++) {
            assert_int_equal(thing_destroyed(&objects[i][j]), 1);
        }
    }
    assert_int_equal(thing_stats(type).rescued, 512);
    int slots = 0;
    while (belay__bind_single_take() != 0) {
        slots++;
    }
    assert_int_equal(slots, 512);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(forgotten_object_is_rescued),
            cmocka_unit_test(rescue_names_the_rescued),
            cmocka_unit_test(report_only_net_keeps_the_object),
            cmocka_unit_test(borrowed_object_outlives_its_net),
            cmocka_unit_test(net_destroys_in_batches),
            cmocka_unit_test(shared_groups_are_recycled_together),
            cmocka_unit_test(shared_group_is_recycled_once),
            cmocka_unit_test(exact_slots_come_back),
            cmocka_unit_test(worker_does_not_wait_for_a_guard),
            cmocka_unit_test(forgotten_family_goes_children_first),
            cmocka_unit_test(drain_means_done),
            cmocka_unit_test(worker_blocks_all_but_its_own_faults),
            cmocka_unit_test(worker_has_a_stack),
            cmocka_unit_test(no_push_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
