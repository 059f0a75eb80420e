/* SPDX-License-Identifier: MIT */
/* type_test.c - what may be registered, and what the registry tells. */
#include "thing.h"

static belay_status create(belay_type_options options, belay_type *out_type) {
    return belay_type_create(&options, out_type);
}

/* Goal: a type with a field out of range is refused and counts for nothing. Method: one
 * wrong field at a time, an empty and a long name, a wrong size of the struct. */
TRIAL(wrong_options_are_refused) {
    char name[BELAY_TYPE_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    name[BELAY_TYPE_NAME_MAX + 1] = 0;
    const belay_type_options good = {.size = sizeof good, .name = "good"};
    belay_type_options cases[11];
    for (int i = 0; i < 11; i++) {
        cases[i] = good;
    }
    cases[0].name = NULL;
    cases[1].name = "";
    cases[2].name = name;
    cases[3].on_error = BELAY_ON_ERROR_COUNT;
    cases[4].guard = BELAY_GUARD_COUNT;
    cases[5].thread = BELAY_THREAD_COUNT;
    cases[6].net = BELAY_NET_COUNT;
    cases[7].children = BELAY_CHILDREN_COUNT;
    cases[8].on_error = BELAY_ON_ERROR_JUDGE;
    cases[9].size = 0;
    cases[10].guard = (belay_guard)-1;
    belay_type type = {77};
    for (int i = 0; i < 11; i++) {
        assert_status(BELAY_INVALID, create(cases[i], &type));
    }
    assert_status(BELAY_INVALID, belay_type_create(NULL, &type));
    assert_int_equal(type.id, 77);
    assert_int_equal(belay_type_count(), 0);
    name[BELAY_TYPE_NAME_MAX] = 0;
    belay_type_options longest = good;
    longest.name = name;
    assert_status(BELAY_OK, create(longest, &type));
    assert_string_equal(belay_type_name(type), name);
    assert_int_equal(belay_type_count(), 1);
}

/* Goal: names are copied, ids count up from 1, and unknown ids have a name too. Method:
 * change the text after registering; ask for ids that are not there. */
TRIAL(names_are_copied) {
    char name[] = "first";
    belay_type first = {0};
    belay_type second = {0};
    assert_status(BELAY_OK,
            create((belay_type_options){.size = sizeof(belay_type_options), .name = name},
                    &first));
    name[0] = 'X';
    assert_status(
            BELAY_OK, create((belay_type_options){.size = sizeof(belay_type_options),
                                     .name = "second"},
                              &second));
    assert_int_equal(first.id, 1);
    assert_int_equal(second.id, 2);
    assert_string_equal(belay_type_name(first), "first");
    assert_string_equal(belay_type_name((belay_type){0}), "?");
    assert_string_equal(belay_type_name((belay_type){3}), "?");
    assert_string_equal(belay_type_name((belay_type){UINT32_MAX}), "?");
}

/* Goal: the table of types fills without a crash, and what is in it goes on working.
 * Method: register the most there may be and one more. */
TRIAL(type_table_fills) {
    belay_type type = {0};
    belay_type_options options = {.size = sizeof options, .name = "many"};
    for (int i = 0; i < BELAY_TYPE_MAX; i++) {
        assert_status(BELAY_OK, belay_type_create(&options, &type));
    }
    belay_type extra = {77};
    assert_status(BELAY_TABLE_FULL, belay_type_create(&options, &extra));
    assert_status(BELAY_TABLE_FULL, belay_type_create(&options, &extra));
    assert_int_equal(extra.id, 77);
    assert_int_equal(belay_type_count(), BELAY_TYPE_MAX);
    int object = 0;
    belay_handle handle = {0};
    assert_status(BELAY_OK, belay_own(type, &object, NULL, &handle));
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(thing_stats(type).closed, 1);
}

/* Goal: a type without a destructor only names, and belay_destroy_free frees. Method: own
 * and close both kinds; the leak checkers see what was not freed, and Valgrind what was
 * twice. */
TRIAL(nothing_and_free) {
    belay_type_options options = {.size = sizeof options, .name = "nothing"};
    belay_type nothing = {0};
    belay_type freed = {0};
    assert_status(BELAY_OK, belay_type_create(&options, &nothing));
    options.name = "free";
    options.destroy = belay_destroy_free;
    options.size_bytes = 24;
    assert_status(BELAY_OK, belay_type_create(&options, &freed));
    int object = 5;
    belay_handle handle = {0};
    assert_status(BELAY_OK, belay_own(nothing, &object, NULL, &handle));
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(object, 5);
    for (int i = 0; i < 100; i++) {
        assert_status(BELAY_OK, belay_own(freed, malloc(24), NULL, &handle));
        assert_int_equal(thing_stats(freed).live_bytes, 24);
        assert_status(BELAY_OK, belay_close(handle, NULL));
    }
    uint32_t first = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    for (uint32_t i = 0; i < 64; i++) {
        assert_status(BELAY_OK, belay__bind_own(first + i, freed.id, malloc(24), 24, 0, 0,
                                        0, &handle.bits));
    }
    belay__bind_dead(first, 64);
    assert_status(BELAY_OK, belay_drain(20000));
    assert_int_equal(thing_stats(freed).rescued, 64);
    assert_int_equal(thing_stats(freed).closed, 100);
    assert_int_equal(thing_stats(freed).live_bytes, 0);
    assert_int_equal(belay_destroy_free(NULL, malloc(8)), 0);
}

typedef struct box {
    int dropped;
} box;

static int box_drop(box *self) {
    return ++self->dropped;
}

static void box_unref(box **self) {
    (*self)->dropped += 10;
    *self = NULL;
}

BELAY_DROP(drop_box, box, box_drop(p))
BELAY_DROP(drop_ref, box, (box_unref(&p), 0))

/* Goal: BELAY_DROP makes trampolines of functions over T * and T **. Method: both, called
 * as destructors; the first gives its code. */
TRIAL(drop_macro_makes_trampolines) {
    belay_type plain = thing_type_of((belay_type_options){.destroy = drop_box});
    belay_type indirect = thing_type_of((belay_type_options){.destroy = drop_ref});
    box object = {0};
    belay_handle handle = {0};
    int code = 0;
    assert_status(BELAY_OK, belay_own(plain, &object, NULL, &handle));
    assert_status(BELAY_DESTROY_FAILED, belay_close(handle, &code));
    assert_int_equal(code, 1);
    assert_status(BELAY_OK, belay_own(indirect, &object, NULL, &handle));
    assert_status(BELAY_OK, belay_close(handle, &code));
    assert_int_equal(object.dropped, 11);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(wrong_options_are_refused),
            cmocka_unit_test(names_are_copied),
            cmocka_unit_test(type_table_fills),
            cmocka_unit_test(nothing_and_free),
            cmocka_unit_test(drop_macro_makes_trampolines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
