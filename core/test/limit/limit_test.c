/* SPDX-License-Identifier: MIT */
/* limit_test.c - the end of the table and the end of generations. */
#include "thing.h"

#define SLOTS 128     /* 191 less the core's group; not the end of a segment */
#define GENERATIONS 8 /* of a slot, before it is retired */

static thing objects[SLOTS + 1];
static belay_handle handles[SLOTS + 1];

static void fill(belay_type type) {
    for (int i = 0; i < SLOTS; i++) {
        handles[i] = thing_own(type, &objects[i]);
    }
}

/* Goal: a full table is a status and a report, and the caller keeps the object. Method:
 * fill it from one thread, ask for more in every way, close one, and own again. */
TRIAL(full_table_is_refused) {
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    fill(type);
    belay_handle handle = {77};
    assert_status(BELAY_TABLE_FULL, belay_own(type, &objects[SLOTS], NULL, &handle));
    assert_status(BELAY_TABLE_FULL, belay_own(type, &objects[SLOTS], NULL, &handle));
    belay_own_options options = {.size = sizeof options, .parent = handles[0]};
    assert_status(BELAY_TABLE_FULL, belay_own(type, &objects[SLOTS], &options, &handle));
    assert_true(handle.bits == 77);
    assert_int_equal(belay__bind_group_take(BELAY__GROUP_SHARED, NULL), 0);
    assert_int_equal(belay__bind_group_take(BELAY__GROUP_EXACT, NULL), 0);
    assert_true(thing_reported(BELAY_REPORT_TABLE_FULL) >= 3);
    assert_int_equal(objects[SLOTS].destroyed, 0);
    assert_int_equal(thing_stats(type).opened, SLOTS);
    for (int round = 0; round < 3; round++) {
        assert_status(BELAY_OK, belay_close(handles[100], NULL));
        handles[100] = thing_own(type, &objects[100]);
        assert_status(BELAY_TABLE_FULL, belay_own(type, &objects[SLOTS], NULL, &handle));
    }
    belay_remains remains = {0};
    assert_status(BELAY_OK, belay_shutdown(1000, &remains));
    assert_int_equal(remains.leaked, SLOTS);
    (void)thing_own(type, &objects[0]);
}

static void *own_many(void *data) {
    belay_type type = *(belay_type *)data;
    int *owned = calloc(1, sizeof *owned);
    belay_handle mine[SLOTS];
    belay_status status = BELAY_OK;
    while (*owned < SLOTS && status == BELAY_OK) {
        status = belay_own(type, &objects[0], NULL, &mine[*owned]);
        *owned += status == BELAY_OK;
    }
    assert_true(status == BELAY_OK || status == BELAY_TABLE_FULL);
    return owned;
}

/* Goal: the table is the threads' together; none gets a slot twice. Method: four threads
 * own until they are refused; all live handles differ. */
static int visit_mark(void *data, belay_handle handle, const belay_info *info) {
    unsigned char *seen = data;
    (void)info;
    assert_int_equal(seen[belay__handle_index(handle)]++, 0);
    return 0;
}

TRIAL(threads_share_the_table) {
    belay_type type = thing_type();
    pthread_t threads[4];
    unsigned char seen[256] = {0};
    int owned = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, own_many, &type), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        owned += *(int *)result;
        free(result);
    }
    assert_in_range(owned, 64, SLOTS);
    assert_int_equal(thing_stats(type).live, owned);
    belay_live(visit_mark, seen);
    int counted = 0;
    for (int i = 0; i < 256; i++) {
        counted += seen[i];
    }
    assert_int_equal(counted, owned);
}

/* Goal: a slot whose generations are used up is retired, and nothing brings it back.
 * Method: own and close until the table has no slot left; every handle ever made stays
 * refused. */
TRIAL(used_up_slots_are_retired) {
    static belay_handle old[SLOTS * GENERATIONS];
    belay_type type = thing_type();
    int count = 0;
    belay_status status = BELAY_OK;
    while (status == BELAY_OK) {
        belay_handle handle = {0};
        status = belay_own(type, &objects[0], NULL, &handle);
        if (status == BELAY_OK) {
            assert_true(count < SLOTS * GENERATIONS);
            for (int i = 0; i < count; i++) {
                assert_true(old[i].bits != handle.bits);
            }
            old[count++] = handle;
            assert_status(BELAY_OK, belay_close(handle, NULL));
        }
    }
    assert_status(BELAY_TABLE_FULL, status);
    assert_in_range(count, SLOTS * (GENERATIONS - 1), SLOTS * GENERATIONS);
    assert_int_equal(objects[0].destroyed, count);
    for (int i = 0; i < count; i++) {
        void *lent = NULL;
        assert_status(BELAY_CLOSED, belay_borrow(old[i], &lent));
        assert_status(BELAY_NOT_BORROWED, belay_return(old[i]));
        assert_status(BELAY_OK, belay_close(old[i], NULL));
        assert_status(BELAY_CLOSED, belay_disown(old[i], &lent));
    }
    assert_int_equal(thing_stats(type).live, 0);
    assert_int_equal(objects[0].destroyed, count);
}

/* Goal: slots of a binding retire as well, by close and by the net, and the group of a
 * shared net that has one is never handed out with it. Method: use one slot of each to
 * the end. */
TRIAL(slots_of_a_binding_retire) {
    belay_type type = thing_type();
    thing object = {0};
    uint32_t exact = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    uint32_t slot = exact;
    int lives = 0;
    while (slot != 0) {
        (void)thing_bind(slot, type, &object, (belay_handle){0});
        lives++;
        assert_true(lives <= GENERATIONS);
        belay__bind_dead(slot, 1);
        assert_status(BELAY_OK, belay_drain(20000));
        slot = belay__bind_single_take();
        assert_true(slot == 0 || slot == exact);
    }
    assert_in_range(lives, GENERATIONS - 1, GENERATIONS);
    assert_int_equal(object.destroyed, lives);
    assert_false(thing_state((belay_handle){exact}) & BELAY_STATE_LIVE);
    uint32_t shared = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    for (int i = 0; i < lives; i++) {
        assert_status(BELAY_OK,
                belay_close(thing_bind(shared, type, &object, (belay_handle){0}), NULL));
    }
    belay__bind_dead(shared, 64);
    assert_status(BELAY_OK, belay_drain(20000));
    for (uint32_t group = 1; group != 0;) {
        group = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
        assert_int_not_equal(group, shared);
    }
}

/* Goal: parents, children and refusals work with slots at their last generation. Method:
 * as many rounds of a family as there are generations, each with a refusal. */
TRIAL(families_at_the_last_generation) {
    belay_type type = thing_type();
    for (int round = 0; round < GENERATIONS * 20; round++) {
        thing parent = {0};
        thing child = {.code = 1, .answers = 1};
        belay_handle top = {0};
        if (belay_own(type, &parent, NULL, &top) != BELAY_OK) {
            break;
        }
        belay_handle below = thing_own_below(type, &child, top);
        assert_status(BELAY_REFUSED, belay_close(top, NULL));
        thing_borrow(below, &child);
        assert_status(BELAY_OK, belay_close(top, NULL));
        assert_status(BELAY_OK, belay_return(below));
        assert_int_equal(child.destroyed, 2);
        assert_int_equal(parent.destroyed, 1);
    }
    assert_int_equal(thing_stats(type).live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(full_table_is_refused),
            cmocka_unit_test(threads_share_the_table),
            cmocka_unit_test(used_up_slots_are_retired),
            cmocka_unit_test(slots_of_a_binding_retire),
            cmocka_unit_test(families_at_the_last_generation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
