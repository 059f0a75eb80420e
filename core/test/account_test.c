/* SPDX-License-Identifier: MIT */
/* account_test.c - counters, peaks, the watch and the epoch. */
#include "thing.h"

static void assert_stats(belay_type type, belay_stats wanted) {
    belay_stats got = thing_stats(type);
    assert_int_equal(got.opened, wanted.opened);
    assert_int_equal(got.closed, wanted.closed);
    assert_int_equal(got.rescued, wanted.rescued);
    assert_int_equal(got.leaked, wanted.leaked);
    assert_int_equal(got.disowned, wanted.disowned);
    assert_int_equal(got.refused, wanted.refused);
    assert_int_equal(got.failed, wanted.failed);
    assert_int_equal(got.misused, wanted.misused);
    assert_int_equal(got.live, wanted.live);
    assert_int_equal(got.live_bytes, wanted.live_bytes);
}

/* Goal: each counter counts its own thing. Method: a life of every kind, written down;
 * the sum over two types is what the zero type tells. */
TRIAL(counters_count) {
    belay_type type = thing_type_of(
            (belay_type_options){.size_bytes = 10, .on_error = BELAY_ON_ERROR_KEPT});
    belay_type failing = thing_type_of((belay_type_options){.size_bytes = 1});
    thing objects[6] = {{0}};
    void *pointer = NULL;
    belay_handle handles[6];
    for (int i = 0; i < 5; i++) {
        handles[i] = thing_own(type, &objects[i]);
    }
    assert_stats(type, (belay_stats){.opened = 5, .live = 5, .live_bytes = 50});
    assert_status(BELAY_OK, belay_close(handles[0], NULL));
    assert_status(BELAY_OK, belay_disown(handles[1], &pointer));
    objects[2].code = objects[2].answers = 1;
    assert_status(BELAY_REFUSED, belay_close(handles[2], NULL));
    assert_status(BELAY_OK, belay_resize(handles[3], 1000));
    assert_status(BELAY_CLOSED, belay_borrow(handles[0], &pointer));
    assert_status(BELAY_NOT_BORROWED, belay_return(handles[3]));
    assert_stats(type, (belay_stats){.opened = 5,
                               .closed = 1,
                               .disowned = 1,
                               .refused = 1,
                               .misused = 2,
                               .live = 3,
                               .live_bytes = 1020});
    objects[5].code = objects[5].answers = 1;
    handles[5] = thing_own(failing, &objects[5]);
    assert_status(BELAY_DESTROY_FAILED, belay_close(handles[5], NULL));
    assert_stats(failing, (belay_stats){.opened = 1, .closed = 1, .failed = 1});
    assert_stats((belay_type){0}, (belay_stats){.opened = 6,
                                          .closed = 2,
                                          .disowned = 1,
                                          .refused = 1,
                                          .failed = 1,
                                          .misused = 2,
                                          .live = 3,
                                          .live_bytes = 1020});
    assert_status(BELAY_OK, belay_shutdown(1000, NULL));
    assert_stats(type, (belay_stats){.opened = 5,
                               .closed = 1,
                               .leaked = 3,
                               .disowned = 1,
                               .refused = 1,
                               .misused = 2});
}

/* Goal: stats of a type that is not there are zero. Method: fill the struct first. */
TRIAL(stats_of_no_type) {
    belay_stats stats;
    memset(&stats, 0xff, sizeof stats);
    belay_type_stats((belay_type){999}, &stats);
    assert_int_equal(stats.opened, 0);
    assert_int_equal(stats.live_bytes, 0);
    memset(&stats, 0xff, sizeof stats);
    belay_type_stats((belay_type){0}, &stats);
    assert_int_equal(stats.opened, 0);
}

/* Goal: a peak is seen, and stays when everything is closed. Method: more than a credit
 * of bytes at once, then none; a second, lower wave does not lower it. */
TRIAL(peaks_are_kept) {
    enum { COUNT = 40 };

    static thing objects[COUNT];
    belay_handle handles[COUNT];
    belay_type type =
            thing_type_of((belay_type_options){.size_bytes = BELAY_CREDIT_BYTES});
    for (int wave = 0; wave < 2; wave++) {
        int count = wave ? COUNT / 2 : COUNT;
        for (int i = 0; i < count; i++) {
            handles[i] = thing_own(type, &objects[i]);
        }
        for (int i = 0; i < count; i++) {
            assert_status(BELAY_OK, belay_close(handles[i], NULL));
        }
        belay_stats stats = thing_stats(type);
        assert_in_range(stats.live_peak, COUNT - 2, COUNT);
        assert_in_range(stats.bytes_peak, (uint64_t)(COUNT - 2) * BELAY_CREDIT_BYTES,
                (uint64_t)COUNT * BELAY_CREDIT_BYTES);
        assert_int_equal(stats.live, 0);
    }
}

typedef struct watch {
    int calls;
    uint64_t live_bytes;
    uint64_t threshold;
} watch;

static void watch_note(void *data, uint64_t live_bytes) {
    watch *self = data;
    self->calls++;
    self->live_bytes = live_bytes;
    if (self->threshold) {
        uint64_t threshold = self->threshold;
        self->threshold = 0;
        belay_account_watch(threshold, watch_note, self);
    }
}

/* Goal: the watch is called once at its threshold, not before, and again when set anew,
 * also from inside the call. Method: own 1 MiB objects past two thresholds and count the
 * calls. */
TRIAL(watch_calls_once) {
    enum { MIB = 1024 * 1024 };

    static thing objects[64];
    belay_type type = thing_type_of((belay_type_options){.size_bytes = MIB});
    watch first = {.threshold = 20 * MIB};
    belay_account_watch(10 * MIB, watch_note, &first);
    int i = 0;
    for (; i < 9; i++) {
        (void)thing_own(type, &objects[i]);
    }
    assert_int_equal(first.calls, 0);
    for (; i < 12; i++) {
        (void)thing_own(type, &objects[i]);
    }
    assert_int_equal(first.calls, 1);
    assert_in_range(first.live_bytes, 10 * MIB, 12 * MIB);
    for (; i < 19; i++) {
        (void)thing_own(type, &objects[i]);
    }
    assert_int_equal(first.calls, 1);
    for (; i < 40; i++) {
        (void)thing_own(type, &objects[i]);
    }
    assert_int_equal(first.calls, 2);
    watch never = {0};
    belay_account_watch(45 * MIB, watch_note, &never);
    belay_account_watch(0, NULL, NULL);
    for (; i < 60; i++) {
        (void)thing_own(type, &objects[i]);
    }
    assert_int_equal(never.calls, 0);
}

/* Goal: what was closed does not count for the watch, of whatever type it was. Method:
 * waves below the threshold, each of another type, all closed but the last. */
TRIAL(watch_forgets_what_is_closed) {
    enum { MIB = 1024 * 1024, COUNT = 9 };

    static thing objects[COUNT];
    belay_handle handles[COUNT];
    watch seen = {0};
    belay_account_watch(10 * MIB, watch_note, &seen);
    for (int wave = 0; wave < 4; wave++) {
        belay_type type = thing_type_of((belay_type_options){.size_bytes = MIB});
        for (int i = 0; i < COUNT; i++) {
            handles[i] = thing_own(type, &objects[i]);
        }
        for (int i = 0; i < COUNT && wave < 3; i++) {
            assert_status(BELAY_OK, belay_close(handles[i], NULL));
        }
    }
    assert_int_equal(seen.calls, 0);
    static thing more[2];
    belay_type last = thing_type_of((belay_type_options){.size_bytes = MIB});
    (void)thing_own(last, &more[0]);
    (void)thing_own(last, &more[1]);
    assert_int_equal(seen.calls, 1);
    assert_in_range(seen.live_bytes, 10 * MIB, 11 * MIB);
}

/* Goal: bytes that only grow by resize count for the watch as well. Method: one object
 * grown past the threshold. */
TRIAL(watch_sees_resize) {
    thing object = {0};
    watch seen = {0};
    belay_handle handle = thing_own(thing_type(), &object);
    belay_account_watch(1000000, watch_note, &seen);
    assert_status(BELAY_OK, belay_resize(handle, 900000));
    assert_int_equal(seen.calls, 0);
    assert_status(BELAY_OK, belay_resize(handle, 9000000));
    assert_int_equal(seen.calls, 1);
}

/* Goal: objects carry the epoch they were opened in. Method: advance between two owns and
 * read the rows. */
TRIAL(epoch_marks_newcomers) {
    thing objects[2] = {{0}};
    belay_type type = thing_type();
    belay_handle before = thing_own(type, &objects[0]);
    uint32_t epoch = belay_epoch_advance();
    belay_handle after = thing_own(type, &objects[1]);
    assert_int_equal(belay__bind_slot(belay__handle_index(before))->epoch, epoch - 1);
    assert_int_equal(belay__bind_slot(belay__handle_index(after))->epoch, epoch);
    assert_int_equal(belay_epoch_advance(), epoch + 1);
    assert_int_equal(*belay__bind_epoch(), epoch + 1);
}

#define THREADS 4
#define ROUNDS 5000

static void *churn(void *data) {
    static thing object;
    belay_type type = *(belay_type *)data;
    belay_own_options options = {.size = sizeof options, .size_bytes = 100};
    for (int i = 0; i < ROUNDS; i++) {
        belay_handle handle = {0};
        assert_status(BELAY_OK, belay_own(type, &object, &options, &handle));
        assert_status(BELAY_OK, belay_resize(handle, (uint64_t)i));
        assert_status(BELAY_OK, belay_close(handle, NULL));
    }
    return NULL;
}

static int destroy_nothing(void *context, void *object) {
    (void)context;
    (void)object;
    return 0;
}

/* Goal: no count is lost between threads. Method: four threads own, resize and close;
 * exact totals when all is quiet. */
TRIAL(counters_add_up_over_threads) {
    belay_type type = thing_type_of((belay_type_options){.destroy = destroy_nothing});
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &type), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_stats(
            type, (belay_stats){.opened = THREADS * ROUNDS, .closed = THREADS * ROUNDS});
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(counters_count),
            cmocka_unit_test(stats_of_no_type),
            cmocka_unit_test(peaks_are_kept),
            cmocka_unit_test(watch_calls_once),
            cmocka_unit_test(watch_forgets_what_is_closed),
            cmocka_unit_test(watch_sees_resize),
            cmocka_unit_test(epoch_marks_newcomers),
            cmocka_unit_test(counters_add_up_over_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
