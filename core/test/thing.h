/* SPDX-License-Identifier: MIT */
/* thing.h - the objects that the tests own: each knows how often it was destroyed, what
 * its destructor answers, and in which order things went.
 *
 * The counters are atomic: destructors run on any thread. A thing is never freed, so that
 * a second destruction is seen instead of crashing. */
#ifndef BELAY_TEST_THING_H
#define BELAY_TEST_THING_H

#include <pthread.h>
#include <string.h>

#include "belay/belay.h"
#include "binding.h"
#include "trial.h"

typedef struct thing {
    int destroyed;          /* times the destructor ran */
    int order;              /* 1 for the first thing destroyed; of the last run */
    int code;               /* what the destructor answers */
    int answers;            /* times it answers `code`, then 0; -1: always */
    pthread_t by;           /* the thread of the last run */
    void (*inside)(void *); /* called in the destructor; NULL: nothing */
    void *inside_data;
    uint64_t size_bytes; /* what the size callback tells */
} thing;

static int thing_clock = 0;

/* The destructor of all things. */
static inline int thing_destroy(void *context, void *object) {
    thing *self = object;
    (void)context;
    self->by = pthread_self();
    self->order = __atomic_add_fetch(&thing_clock, 1, __ATOMIC_ACQ_REL);
    __atomic_add_fetch(&self->destroyed, 1, __ATOMIC_ACQ_REL);
    if (self->inside) {
        self->inside(self->inside_data);
    }
    if (self->answers == 0) {
        return 0;
    }
    if (self->answers > 0) {
        self->answers--;
    }
    return self->code;
}

static inline uint64_t thing_size(void *context, void *object) {
    (void)context;
    return ((thing *)object)->size_bytes;
}

/* How often `self` was destroyed so far. */
static inline int thing_destroyed(thing *self) {
    return __atomic_load_n(&self->destroyed, __ATOMIC_ACQUIRE);
}

/* Registers a type of things; the caller sets what is not plain. */
static inline belay_type thing_type_of(belay_type_options options) {
    belay_type type = {0};
    options.size = sizeof options;
    options.name = options.name ? options.name : "thing";
    options.destroy = options.destroy ? options.destroy : thing_destroy;
    assert_status(BELAY_OK, belay_type_create(&options, &type));
    assert_int_not_equal(type.id, 0);
    return type;
}

static inline belay_type thing_type(void) {
    return thing_type_of((belay_type_options){.on_error = BELAY_ON_ERROR_KEPT});
}

static inline belay_handle thing_own(belay_type type, thing *object) {
    belay_handle handle = {0};
    assert_status(BELAY_OK, belay_own(type, object, NULL, &handle));
    assert_true(handle.bits != 0);
    return handle;
}

/* Owns `object` below `parent`. */
static inline belay_handle thing_own_below(
        belay_type type, thing *object, belay_handle parent) {
    belay_handle handle = {0};
    belay_own_options options = {.size = sizeof options, .parent = parent};
    assert_status(BELAY_OK, belay_own(type, object, &options, &handle));
    return handle;
}

static inline void thing_borrow(belay_handle handle, thing *expected) {
    void *object = NULL;
    assert_status(BELAY_OK, belay_borrow(handle, &object));
    assert_ptr_equal(object, expected);
}

static inline uint64_t thing_state(belay_handle handle) {
    return belay__load(&belay__bind_slot(belay__handle_index(handle))->state);
}

static inline belay_stats thing_stats(belay_type type) {
    belay_stats stats;
    memset(&stats, 0, sizeof stats);
    belay_type_stats(type, &stats);
    return stats;
}

/* Owns in the slot `index`, as a language binding does. */
static inline belay_handle thing_bind(
        uint32_t index, belay_type type, thing *object, belay_handle parent) {
    belay_handle handle = {0};
    assert_status(BELAY_OK,
            belay__bind_own(index, type.id, object, 0, parent.bits, 0, 0, &handle.bits));
    assert_int_equal(belay__handle_index(handle), index);
    return handle;
}

/* Waits, up to 20 s, until `*counter` reaches `value`: for what another thread does. */
static inline void thing_await(int *counter, int value) {
    for (int tries = 0; __atomic_load_n(counter, __ATOMIC_ACQUIRE) < value; tries++) {
        assert_true(tries < 20000);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* Runs `function(data)` on another thread to its end. */
static inline void thing_on_thread(void *(*function)(void *), void *data) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, function, data), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* The reports of a test, as they come. */
#define THING_REPORTS 64
static belay_report thing_reports[THING_REPORTS] = {{0}};
static int thing_report_count = 0;

static inline void thing_report_sink(void *data, const belay_report *report) {
    (void)data;
    int place = __atomic_fetch_add(&thing_report_count, 1, __ATOMIC_ACQ_REL);
    if (place < THING_REPORTS) {
        thing_reports[place] = *report;
    }
}

/* The sum of the counts of all reports of `kind`, after a flush. */
static inline uint64_t thing_reported(belay_report_kind kind) {
    uint64_t sum = 0;
    belay_report_flush();
    for (int i = 0; i < thing_report_count && i < THING_REPORTS; i++) {
        sum += thing_reports[i].kind == kind ? thing_reports[i].count : 0;
    }
    return sum;
}

/* The last report of `kind`; fails when there is none. */
static inline const belay_report *thing_report_last(belay_report_kind kind) {
    const belay_report *found = NULL;
    for (int i = 0; i < thing_report_count && i < THING_REPORTS; i++) {
        found = thing_reports[i].kind == kind ? &thing_reports[i] : found;
    }
    assert_non_null(found);
    return found;
}

#endif
