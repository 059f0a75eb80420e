/* SPDX-License-Identifier: MIT */
/* report_test.c - mistakes are told with type, lines and counts, and not too often. */
#include <fcntl.h>
#include <time.h>

#include "thing.h"

/* Goal: each kind of mistake makes its report, with what the caller was told. Method:
 * commit them one by one at level `all` and look at the reports. */
TRIAL(each_mistake_has_its_report) {
    belay_report_to(thing_report_sink, NULL);
    belay_level_set(BELAY_LEVEL_ALL);
    belay_type type = thing_type_of(
            (belay_type_options){.name = "sort", .on_error = BELAY_ON_ERROR_KEPT});
    thing object = {0};
    thing other = {0};
    void *lent = NULL;
    belay_own_options options = {.size = sizeof options, .site = "opener b.c:3"};
    belay_handle handle = {0};
    assert_status(BELAY_OK, belay_own(type, &object, &options, &handle));
    belay_handle second = {55};
    assert_status(BELAY_ALREADY_OWNED, belay_own(type, &object, NULL, &second));
    assert_true(second.bits == 55);
    assert_int_equal(thing_reported(BELAY_REPORT_DOUBLE_OWN), 1);
    assert_status(BELAY_NOT_BORROWED, belay_return(handle));
    assert_int_equal(thing_reported(BELAY_REPORT_DOUBLE_RETURN), 1);
    assert_status(
            BELAY_NOT_BORROWED, thing_report_last(BELAY_REPORT_DOUBLE_RETURN)->status);
    object.code = 5;
    object.answers = 1;
    assert_status(BELAY_REFUSED, belay_close(handle, NULL));
    const belay_report *refused = thing_report_last(BELAY_REPORT_DESTROY_REFUSED);
    assert_int_equal(refused->code, 5);
    assert_status(BELAY_REFUSED, refused->status);
    assert_string_equal(refused->opened, "opener b.c:3");
    assert_string_equal(refused->type_name, "sort");
    assert_true(refused->handle.bits == handle.bits);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(thing_reported(BELAY_REPORT_DOUBLE_CLOSE), 0);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(thing_reported(BELAY_REPORT_DOUBLE_CLOSE), 1);
    assert_status(BELAY_CLOSED, belay_borrow(handle, &lent));
    assert_int_equal(thing_reported(BELAY_REPORT_USE_AFTER_CLOSE), 1);
    const belay_report *used = thing_report_last(BELAY_REPORT_USE_AFTER_CLOSE);
    assert_string_equal(used->opened, "opener b.c:3");
    assert_int_equal(used->type.id, type.id);
    assert_status(BELAY_CLOSED, used->status);
    assert_non_null(strstr(used->message, "sort"));
    assert_non_null(strstr(used->message, "opener b.c:3"));
    assert_non_null(strstr(used->message, "use-after-close"));
    for (int i = 0; i < thing_report_count; i++) {
        assert_null(strstr(thing_reports[i].message, "0x"));
        assert_null(strchr(thing_reports[i].message, '\n'));
    }
    options = (belay_own_options){.size = sizeof options, .parent = handle};
    assert_status(BELAY_CLOSED, belay_own(type, &other, &options, &second));
    assert_int_equal(thing_reported(BELAY_REPORT_USE_AFTER_CLOSE), 2);
}

/* Goal: a late refusal and a late failure are told, since nobody waits for them; an early
 * one of `gone` is the closer's to see. Method: both at the last return. */
TRIAL(late_results_are_told) {
    belay_report_to(thing_report_sink, NULL);
    belay_type type =
            thing_type_of((belay_type_options){.on_error = BELAY_ON_ERROR_GONE});
    thing object = {.code = 3, .answers = -1};
    belay_handle handle = thing_own(type, &object);
    thing_borrow(handle, &object);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(thing_reported(BELAY_REPORT_DESTROY_FAILED), 0);
    assert_status(BELAY_OK, belay_return(handle));
    assert_int_equal(thing_reported(BELAY_REPORT_DESTROY_FAILED), 1);
    assert_int_equal(thing_report_last(BELAY_REPORT_DESTROY_FAILED)->code, 3);
}

/* Goal: equal reports are held back for a second, and no count is lost. Method: a
 * thousand of one kind, two other types between; then a flush; the ledger's ring has them
 * as well. */
TRIAL(equal_reports_are_counted) {
    belay_report_to(thing_report_sink, NULL);
    belay_type types[3];
    belay_handle handles[3];
    thing objects[3] = {{0}};
    for (int i = 0; i < 3; i++) {
        types[i] = thing_type();
        handles[i] = thing_own(types[i], &objects[i]);
    }
    for (int i = 0; i < 1000; i++) {
        assert_status(BELAY_NOT_BORROWED, belay_return(handles[i % 3]));
    }
    assert_in_range(
            thing_report_count, 3, 12); /* a slow machine may pass a second or two */
    assert_int_equal(thing_reports[0].count, 1);
    assert_int_equal(thing_reported(BELAY_REPORT_DOUBLE_RETURN), 1000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(thing_stats(types[i]).misused, i == 0 ? 334 : 333);
    }
    int before = thing_report_count;
    belay_report_flush();
    assert_int_equal(thing_report_count, before);
}

/* Goal: after a second an equal report is told again, with what was held back. Method:
 * wait it out. */
TRIAL(equal_reports_come_again) {
    belay_report_to(thing_report_sink, NULL);
    thing object = {0};
    belay_handle handle = thing_own(thing_type(), &object);
    for (int i = 0; i < 5; i++) {
        assert_status(BELAY_NOT_BORROWED, belay_return(handle));
    }
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 200000000}, NULL);
    assert_status(BELAY_NOT_BORROWED, belay_return(handle));
    uint64_t told = 0;
    for (int i = 0; i < thing_report_count; i++) {
        told += thing_reports[i].count;
    }
    assert_int_equal(told, 6);
}

/* Goal: many different reports lose no count either. Method: 2000 types of mistakes, by
 * sites, more than any cache of equal ones holds. */
static uint64_t sum_of_counts = 0;

static void sum_sink(void *data, const belay_report *report) {
    (void)data;
    sum_of_counts += report->count;
}

TRIAL(many_different_reports) {
    enum { SITES = 2000 };

    static char texts[SITES][32];
    static thing objects[SITES];
    static belay_handle handles[SITES];
    belay_type type = thing_type();
    belay_report_to(sum_sink, NULL);
    for (int i = 0; i < SITES; i++) {
        belay_own_options options = {.size = sizeof options, .site = texts[i]};
        snprintf(texts[i], sizeof texts[i], "f%d file.c:%d", i, i);
        assert_status(BELAY_OK, belay_own(type, &objects[i], &options, &handles[i]));
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < SITES; i++) {
            assert_status(BELAY_NOT_BORROWED, belay_return(handles[i]));
        }
    }
    belay_report_flush();
    assert_int_equal(sum_of_counts, 3 * SITES);
}

/* Goal: mistakes that take turns are each told about once a second. Method: four kinds at
 * a hundred lines each, one after the other, fifty times over; none pushes another one's
 * limit out. */
TRIAL(mistakes_in_turn_are_limited) {
    static const belay_report_kind kinds[] = {BELAY_REPORT_DOUBLE_RETURN,
            BELAY_REPORT_USE_AFTER_CLOSE, BELAY_REPORT_DOUBLE_CLOSE,
            BELAY_REPORT_WRONG_THREAD};
    uint32_t lines[100];
    belay_report_to(thing_report_sink, NULL);
    for (int i = 0; i < 100; i++) {
        char text[32];
        int length = snprintf(text, sizeof text, "taker t.c:%d", i);
        lines[i] = belay__bind_site(text, (size_t)length);
    }
    time_t start = time(NULL);
    for (int i = 0; i < 50 * 400; i++) {
        belay__bind_misuse((uint32_t)kinds[i / 100 % 4], 0, BELAY_OK, lines[i % 100]);
    }
    int seconds = (int)(time(NULL) - start);
    assert_true(thing_report_count >= 400);
    assert_true(thing_report_count <= 400 * (2 + seconds));
}

/* Goal: level off counts and tells nothing. Method: the environment, then the call. */
TRIAL(level_off_only_counts) {
    setenv("BELAY_LEVEL", "off", 1);
    belay_report_to(thing_report_sink, NULL);
    assert_int_equal(belay_level_get(), BELAY_LEVEL_OFF);
    thing object = {0};
    belay_type type = thing_type();
    belay_handle handle = thing_own(type, &object);
    assert_status(BELAY_NOT_BORROWED, belay_return(handle));
    assert_status(BELAY_OK, belay_shutdown(100, NULL));
    belay_report_flush();
    assert_int_equal(thing_report_count, 0);
    assert_int_equal(thing_stats(type).misused, 1);
    assert_int_equal(thing_stats(type).leaked, 1);
    belay_level_set(BELAY_LEVEL_ALL);
    assert_int_equal(belay_level_get(), BELAY_LEVEL_ALL);
    belay_level_set((belay_level)99);
    assert_int_equal(belay_level_get(), BELAY_LEVEL_ALL);
}

/* Goal: the level of the environment is in force from the first question on. Method: ask
 * before anything else, for each word and for nonsense. */
TRIAL(level_from_the_environment) {
    setenv("BELAY_LEVEL", "all", 1);
    assert_int_equal(belay_level_get(), BELAY_LEVEL_ALL);
}

TRIAL(level_is_sampled_by_default) {
    setenv("BELAY_LEVEL", "nonsense", 1);
    assert_int_equal(belay_level_get(), BELAY_LEVEL_SAMPLED);
}

/* Sends standard error to a file, makes one mistake, and returns what was written. */
static size_t mistake_on_stderr(char *out_text, size_t bytes) {
    char path[sizeof trial_folder + 16];
    snprintf(path, sizeof path, "%s/stderr", trial_folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    thing object = {0};
    belay_handle handle = thing_own(thing_type(), &object);
    belay_status status = belay_return(handle);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    assert_status(BELAY_NOT_BORROWED, status);
    ssize_t length = pread(fd, out_text, bytes - 1, 0);
    close(fd);
    assert_true(length >= 0);
    out_text[length] = 0;
    return (size_t)length;
}

/* Goal: without a sink, reports go to standard error at level `all`, one line each. */
/* Method: catch standard error over one mistake. */
TRIAL(stderr_at_level_all) {
    char text[1024];
    setenv("BELAY_LEVEL", "all", 1);
    assert_true(mistake_on_stderr(text, sizeof text) > 10);
    assert_non_null(strstr(text, "belay"));
    assert_non_null(strstr(text, "double-return"));
    assert_non_null(strstr(text, "thing"));
    assert_int_equal(text[strlen(text) - 1], '\n');
}

/* Goal: also at level `sampled`, but not with a sink or BELAY_STDERR=0; BELAY_STDERR=1
 * has it with a sink as well. Method: as above. */
TRIAL(stderr_by_default) {
    char text[1024];
    assert_true(mistake_on_stderr(text, sizeof text) > 10);
}

TRIAL(stderr_not_with_a_sink) {
    char text[1024];
    belay_report_to(thing_report_sink, NULL);
    assert_int_equal(mistake_on_stderr(text, sizeof text), 0);
}

TRIAL(stderr_switched_off) {
    char text[1024];
    setenv("BELAY_STDERR", "0", 1);
    assert_int_equal(mistake_on_stderr(text, sizeof text), 0);
}

TRIAL(stderr_on_request) {
    char text[1024];
    setenv("BELAY_STDERR", "1", 1);
    belay_report_to(thing_report_sink, NULL);
    assert_true(mistake_on_stderr(text, sizeof text) > 10);
}

/* Goal: a nonsense level is told. Method: as above, at the start; reports are off. */
TRIAL(nonsense_level_is_told) {
    char text[1024];
    setenv("BELAY_LEVEL", "nonsense", 1);
    setenv("BELAY_STDERR", "0", 1);
    assert_true(mistake_on_stderr(text, sizeof text) > 10);
    assert_non_null(strstr(text,
            "BELAY_LEVEL is \"nonsense\", not off, sampled or all: taken as unset\n"));
    assert_null(strstr(text, "double-return"));
}

/* Goal: other settings as well, in one line, without what a terminal would obey. Method:
 * two wrong ones at a start; a report follows, since nothing was switched off. */
TRIAL(nonsense_settings_are_told) {
    char text[2048];
    setenv("BELAY_STDERR", "yes\n\033[2J", 1);
    setenv("BELAY_LEDGER_NAMES", "short", 1);
    assert_true(mistake_on_stderr(text, sizeof text) > 10);
    assert_non_null(
            strstr(text, "BELAY_STDERR is \"yes??[2J\", not 0 or 1: taken as unset\n"));
    assert_non_null(
            strstr(text, "BELAY_LEDGER_NAMES is \"short\", not base: taken as unset\n"));
    assert_non_null(strstr(text, "double-return"));
}

/* Goal: an empty setting is none. Method: all of them, and nothing but the mistake is
 * told. */
TRIAL(empty_settings_are_unset) {
    char text[1024];
    setenv("BELAY_LEDGER", "", 1);
    setenv("BELAY_LEVEL", "", 1);
    setenv("BELAY_STDERR", "", 1);
    setenv("BELAY_LEDGER_NAMES", "", 1);
    assert_true(mistake_on_stderr(text, sizeof text) > 10);
    assert_int_equal(strncmp(text, "belay: double-return", 20), 0);
    assert_int_equal(belay_level_get(), BELAY_LEVEL_SAMPLED);
}

/* Goal: the address map of level `all` follows every way an object ends. Method: own the
 * same pointer again after a close, a disown, a rescue and a refusal. */
TRIAL(double_own_is_caught) {
    setenv("BELAY_LEVEL", "all", 1);
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    belay_type other_type = thing_type();
    thing object = {0};
    void *back = NULL;
    belay_handle none = {0};
    belay_handle handle = thing_own(type, &object);
    assert_status(BELAY_ALREADY_OWNED, belay_own(other_type, &object, NULL, &none));
    assert_status(BELAY_OK, belay_close(handle, NULL));
    handle = thing_own(type, &object);
    assert_status(BELAY_ALREADY_OWNED, belay_own(type, &object, NULL, &none));
    assert_status(BELAY_OK, belay_disown(handle, &back));
    handle = thing_own(type, &object);
    object.code = object.answers = 1;
    assert_status(BELAY_REFUSED, belay_close(handle, NULL));
    assert_status(BELAY_ALREADY_OWNED, belay_own(type, &object, NULL, &none));
    assert_status(BELAY_OK, belay_close(handle, NULL));
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    handle = thing_bind(first, type, &object, none);
    assert_status(BELAY_ALREADY_OWNED, belay_own(type, &object, NULL, &none));
    belay__bind_dead(first, 1);
    assert_status(BELAY_OK, belay_drain(20000));
    handle = thing_own(type, &object);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(thing_reported(BELAY_REPORT_DOUBLE_OWN), 4);
    assert_int_equal(thing_stats(type).live + thing_stats(other_type).live, 0);
}

/* Goal: an object that ended while the level was lower does not haunt the map. Method:
 * own at level `all`, end by a close and by the net at `sampled`, own again at `all`. */
TRIAL(address_map_survives_other_levels) {
    belay_type type = thing_type();
    thing objects[2] = {{0}};
    uint32_t first = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    belay_level_set(BELAY_LEVEL_ALL);
    belay_handle handle = thing_own(type, &objects[0]);
    (void)thing_bind(first, type, &objects[1], (belay_handle){0});
    belay_level_set(BELAY_LEVEL_SAMPLED);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    belay__bind_dead(first, 64);
    assert_status(BELAY_OK, belay_drain(20000));
    belay_level_set(BELAY_LEVEL_ALL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(objects[i].destroyed, 1);
        handle = thing_own(type, &objects[i]);
        assert_status(BELAY_OK, belay_close(handle, NULL));
    }
}

static void own_the_same(void *data) {
    belay_handle handle = {0};
    belay_type type = thing_type_of((belay_type_options){.destroy = belay_destroy_free});
    assert_status(BELAY_OK, belay_own(type, data, NULL, &handle));
    void *back = NULL;
    assert_status(BELAY_OK, belay_disown(handle, &back));
}

/* Goal: a pointer is free for others from its destructor on, since malloc may hand it out
 * again at once. Method: own it again inside its own destructor. */
TRIAL(address_is_free_from_the_destructor_on) {
    thing object = {.inside = own_the_same, .inside_data = &object};
    belay_level_set(BELAY_LEVEL_ALL);
    belay_type type = thing_type();
    belay_handle handle = thing_own(type, &object);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    object.inside = NULL;
    handle = thing_own(type, &object);
    assert_status(BELAY_OK, belay_close(handle, NULL));
}

/* Goal: the address map holds many and grows, and level `sampled` has none. Method: 50000
 * objects owned and closed in another order; then a double own that is not caught. */
TRIAL(address_map_grows) {
    enum { COUNT = 50000 };

    static thing objects[COUNT];
    static belay_handle handles[COUNT];
    belay_handle none = {0};
    setenv("BELAY_LEVEL", "all", 1);
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    for (int i = 0; i < COUNT; i++) {
        handles[i] = thing_own(type, &objects[i]);
    }
    for (int i = 0; i < COUNT; i += 97) {
        assert_status(BELAY_ALREADY_OWNED, belay_own(type, &objects[i], NULL, &none));
    }
    for (int i = 0; i < COUNT; i++) {
        int chosen = (int)((unsigned)i * 7919u % COUNT);
        assert_status(BELAY_OK, belay_close(handles[chosen], NULL));
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(objects[i].destroyed, 1);
        handles[i] = thing_own(type, &objects[i]);
    }
    belay_level_set(BELAY_LEVEL_SAMPLED);
    (void)thing_own(type, &objects[0]);
}

/* Goal: a report is told with no lock held. Method: a sink that uses the whole interface
 * and makes mistakes of its own. */
static int nested = 0;

static void nested_sink(void *data, const belay_report *report) {
    static thing inner;
    belay_type type = *(belay_type *)data;
    void *lent = NULL;
    (void)report;
    if (nested++ > 3) {
        return;
    }
    belay_handle handle = thing_own(type, &inner);
    assert_status(BELAY_OK, belay_borrow(handle, &lent));
    assert_status(BELAY_OK, belay_return(handle));
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_status(BELAY_CLOSED, belay_borrow(handle, &lent));
    belay_report_flush();
    belay_level_set(BELAY_LEVEL_SAMPLED);
    belay_report_to(nested_sink, data);
}

TRIAL(sink_may_call_everything) {
    belay_type type = thing_type();
    thing object = {0};
    belay_report_to(nested_sink, &type);
    belay_handle handle = thing_own(type, &object);
    assert_status(BELAY_NOT_BORROWED, belay_return(handle));
    assert_true(nested >= 1);
    belay_report_to(NULL, NULL);
    int before = nested;
    assert_status(BELAY_NOT_BORROWED, belay_return(handle));
    belay_report_flush();
    assert_int_equal(nested, before);
}

/* Goal: every kind has a word, and no number leads out of the list. Method: all of them
 * and beyond. */
TRIAL(words_of_kinds) {
    for (int i = 0; i < BELAY_REPORT_COUNT; i++) {
        assert_true(strlen(belay_report_word((belay_report_kind)i)) > 2);
    }
    assert_string_equal(belay_report_word(BELAY_REPORT_RESCUE), "rescue");
    assert_string_equal(belay_report_word(BELAY_REPORT_COUNT), "?");
    assert_string_equal(belay_report_word((belay_report_kind)-1), "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_mistake_has_its_report),
            cmocka_unit_test(late_results_are_told),
            cmocka_unit_test(equal_reports_are_counted),
            cmocka_unit_test(equal_reports_come_again),
            cmocka_unit_test(many_different_reports),
            cmocka_unit_test(mistakes_in_turn_are_limited),
            cmocka_unit_test(level_off_only_counts),
            cmocka_unit_test(level_from_the_environment),
            cmocka_unit_test(level_is_sampled_by_default),
            cmocka_unit_test(stderr_at_level_all),
            cmocka_unit_test(stderr_by_default),
            cmocka_unit_test(stderr_not_with_a_sink),
            cmocka_unit_test(stderr_switched_off),
            cmocka_unit_test(nonsense_level_is_told),
            cmocka_unit_test(nonsense_settings_are_told),
            cmocka_unit_test(empty_settings_are_unset),
            cmocka_unit_test(stderr_on_request),
            cmocka_unit_test(double_own_is_caught),
            cmocka_unit_test(address_map_survives_other_levels),
            cmocka_unit_test(address_is_free_from_the_destructor_on),
            cmocka_unit_test(address_map_grows),
            cmocka_unit_test(sink_may_call_everything),
            cmocka_unit_test(words_of_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
