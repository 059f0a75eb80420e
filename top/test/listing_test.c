/* SPDX-License-Identifier: MIT */
/* listing_test.c - goal: groups add up, and sorting and choosing do what was asked.
 * Method: the synthetic ledger under each choice. */
#include "view/listing.h"

#include "synthetic.h"
#include "unit.h"

static top_snapshot snapshot;

static int set_up(void **state) {
    (void)state;
    synthetic ledger;
    top_source source;
    top_failure failure;
    synthetic_init(&ledger);
    synthetic_open(&ledger, &source);
    bool is_taken = top_snapshot_take(&snapshot, &source, &failure);
    top_source_close(&source);
    synthetic_fini(&ledger);
    return is_taken ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    top_snapshot_fini(&snapshot);
    return 0;
}

static void test_groups(void **state) {
    (void)state;
    top_listing listing;
    top_choice choice = {.sort = TOP_SORT_COUNT, .limit = SIZE_MAX};
    uint64_t count = 0;
    assert_true(top_listing_init(&listing, &snapshot, &choice));
    assert_int_equal(listing.group_count, 5);
    for (size_t i = 0; i < listing.group_count; i++) {
        uint64_t states = 0;
        for (int at = 0; at < TOP_OBJECT_STATE_COUNT; at++) {
            states += listing.groups[i].by_state[at];
        }
        assert_int_equal(states, listing.groups[i].count);
        assert_true(i == 0 || listing.groups[i - 1].count >= listing.groups[i].count);
        count += listing.groups[i].count;
    }
    assert_int_equal(count, SYNTHETIC_OPEN);
    assert_int_equal(listing.groups[0].site, 2);
    assert_int_equal(listing.groups[0].count, 4);
    assert_int_equal(listing.groups[0].bytes, 4000);
    assert_int_equal(listing.groups[0].oldest_ms, 3700000);
    top_listing_fini(&listing);
    top_listing_fini(&listing);
}

static void test_sort(void **state) {
    (void)state;
    for (int sort = 0; sort < TOP_SORT_COUNT_OF; sort++) {
        top_listing listing;
        top_choice choice = {
                .sort = (top_sort)sort, .limit = SIZE_MAX, .is_each_object = true};
        assert_true(top_listing_init(&listing, &snapshot, &choice));
        assert_int_equal(listing.object_count, SYNTHETIC_OPEN);
        for (size_t i = 1; i < listing.object_count; i++) {
            const top_object *a = listing.objects[i - 1];
            const top_object *b = listing.objects[i];
            assert_true(sort != TOP_SORT_BYTES || a->size_bytes >= b->size_bytes);
            assert_true(sort != TOP_SORT_AGE || a->age_ms >= b->age_ms);
            assert_true(sort != TOP_SORT_COUNT ||
                        top_object_borrows(a) >= top_object_borrows(b));
        }
        top_listing_fini(&listing);
    }
}

static void test_type(void **state) {
    (void)state;
    top_listing listing;
    top_choice choice = {.type = "sqlite3", .limit = 1};
    assert_true(top_listing_has_type(&snapshot, "sqlite3"));
    assert_false(top_listing_has_type(&snapshot, "sqlite"));
    assert_false(top_listing_has_type(&snapshot, ""));
    assert_true(top_listing_init(&listing, &snapshot, &choice));
    assert_int_equal(listing.type_count, 1);
    assert_int_equal(listing.object_count, 1);
    assert_int_equal(listing.report_count, 1);
    assert_int_equal(top_listing_cut(&listing, 5), 1);
    assert_int_equal(top_listing_cut(&listing, 0), 0);
    top_listing_fini(&listing);
}

/* Sizes that do not add up: the sum stays at its end. */
static void test_sum(void **state) {
    (void)state;
    top_listing listing;
    top_choice choice = {.type = "sqlite3_stmt", .limit = SIZE_MAX};
    uint64_t kept = snapshot.objects.items[1].size_bytes;
    snapshot.objects.items[1].size_bytes = UINT64_MAX;
    assert_true(top_listing_init(&listing, &snapshot, &choice));
    assert_true(listing.groups[0].bytes == UINT64_MAX);
    snapshot.objects.items[1].size_bytes = kept;
    top_listing_fini(&listing);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_groups),
            cmocka_unit_test(test_sort), cmocka_unit_test(test_type),
            cmocka_unit_test(test_sum)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
