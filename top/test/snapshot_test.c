/* SPDX-License-Identifier: MIT */
/* snapshot_test.c - goal: a valid ledger is read as it is, a damaged one as far as it
 * goes, and neither is taken on trust. Method: the synthetic ledger, whole, then broken
 * on purpose one field at a time. */
#include "snapshot/snapshot.h"

#include <stdio.h>
#include <string.h>

#include "synthetic.h"
#include "unit.h"

static top_snapshot take(const synthetic *ledger) {
    top_source source;
    top_snapshot snapshot;
    top_failure failure;
    synthetic_open(ledger, &source);
    assert_true(top_snapshot_take(&snapshot, &source, &failure));
    top_source_close(&source);
    return snapshot;
}

static void check_refused(const synthetic *ledger, const char *why) {
    top_source source;
    top_snapshot snapshot;
    top_failure failure = {""};
    synthetic_open(ledger, &source);
    assert_false(top_snapshot_take(&snapshot, &source, &failure));
    assert_non_null(strstr(failure.text, why));
    top_source_close(&source);
}

/* Breaks a segment and checks that it is said, and how many objects are left. */
static void check_damage(
        int entry, belay_ledger_segment broken, uint32_t objects, const char *what) {
    synthetic ledger;
    synthetic_init(&ledger);
    *synthetic_segment(&ledger, entry) = broken;
    top_snapshot snapshot = take(&ledger);
    assert_int_equal(snapshot.objects.count, objects);
    assert_true(snapshot.notes.damage > 0);
    assert_non_null(strstr(snapshot.notes.items[0].text, what));
    top_snapshot_fini(&snapshot);
    synthetic_fini(&ledger);
}

static void test_valid(void **state) {
    (void)state;
    synthetic ledger;
    synthetic_init(&ledger);
    top_snapshot snapshot = take(&ledger);
    assert_int_equal(snapshot.notes.damage, 0);
    assert_int_equal(snapshot.life, TOP_LIFE_ELSEWHERE);
    assert_int_equal(snapshot.now_ms, 3725000);
    assert_int_equal(snapshot.type_count, 4);
    assert_string_equal(snapshot.types[2].name, "sqlite3_stmt");
    assert_int_equal(snapshot.types[1].account.bytes, 65536);
    assert_int_equal(snapshot.types[2].account.live, 7);
    assert_int_equal(snapshot.types[2].account.closed, 10004 - 9000 - 3 - 2);
    assert_int_equal(snapshot.objects.count, SYNTHETIC_OPEN);
    assert_string_equal(top_snapshot_site_text(&snapshot, 2), "main.query shop/db.go:33");
    assert_string_equal(top_snapshot_site_text(&snapshot, 4000000), "?");
    assert_string_equal(top_snapshot_type_name(&snapshot, 4000000), "?");
    assert_string_equal(top_snapshot_type_name(&snapshot, 0), "?");
    top_snapshot_fini(&snapshot);
    top_snapshot_fini(&snapshot);
    synthetic_fini(&ledger);
}

static void test_objects(void **state) {
    (void)state;
    static const top_object_state states[] = {TOP_OBJECT_USED, TOP_OBJECT_IDLE,
            TOP_OBJECT_USED, TOP_OBJECT_CLOSING, TOP_OBJECT_WAITING, TOP_OBJECT_DYING,
            TOP_OBJECT_IDLE, TOP_OBJECT_IDLE, TOP_OBJECT_IDLE};
    static const uint32_t ages_ms[] = {
            3725000, 350, 12300, 312000, 3700000, 0, 0, 0, 725000};
    synthetic ledger;
    synthetic_init(&ledger);
    top_snapshot snapshot = take(&ledger);
    for (uint32_t i = 0; i < SYNTHETIC_OPEN; i++) {
        const top_object *object = &snapshot.objects.items[i];
        assert_int_equal(top_object_state_of(object), states[i]);
        assert_int_equal(object->age_ms, ages_ms[i]);
        assert_int_equal(object->is_orphan, i == 6);
    }
    assert_int_equal(top_object_borrows(&snapshot.objects.items[2]), 2);
    assert_int_equal(top_handle_index(snapshot.objects.items[8].handle), 127);
    assert_int_equal(top_handle_generation(snapshot.objects.items[8].handle), 5);
    top_snapshot_fini(&snapshot);
    synthetic_fini(&ledger);
}

static void test_reports(void **state) {
    (void)state;
    synthetic ledger;
    synthetic_init(&ledger);
    top_snapshot snapshot = take(&ledger);
    assert_int_equal(snapshot.report_count, 7);
    assert_int_equal(snapshot.reports[0].sequence, 11);
    assert_int_equal(snapshot.reports[0].code, -5);
    assert_int_equal(snapshot.reports[6].sequence, 5);
    top_snapshot_fini(&snapshot);

    /* A number that belongs into another row. */
    belay_ledger_report *report = synthetic_at(&ledger, SYNTHETIC_AT_REPORTS, 5);
    report->sequence = 7;
    snapshot = take(&ledger);
    assert_int_equal(snapshot.report_count, 6);
    assert_int_equal(snapshot.notes.damage, 1);
    top_snapshot_fini(&snapshot);
    synthetic_fini(&ledger);
}

/* The program's clock reads 0 while it sleeps: the youngest trace is the end then. */
static void test_sleeping_clock(void **state) {
    (void)state;
    synthetic ledger;
    synthetic_init(&ledger);
    synthetic_header(&ledger)->now_ms = 0;
    top_snapshot snapshot = take(&ledger);
    assert_int_equal(snapshot.now_ms, 3725001);
    assert_int_equal(snapshot.objects.items[1].age_ms, 351);
    top_snapshot_fini(&snapshot);
    /* After 49 days the opening times have wrapped. */
    synthetic_header(&ledger)->now_ms = (UINT64_C(1) << 32) + 1000;
    snapshot = take(&ledger);
    assert_int_equal(snapshot.objects.items[0].age_ms, 1000);
    top_snapshot_fini(&snapshot);
    synthetic_fini(&ledger);
}

static void test_refused(void **state) {
    (void)state;
    synthetic ledger;
    synthetic_init(&ledger);
    size_t whole = ledger.size;
    synthetic_header(&ledger)->version = BELAY_LEDGER_VERSION + 1;
    check_refused(&ledger, "use the tools of the Belay that wrote it");
    synthetic_header(&ledger)->version = BELAY_LEDGER_VERSION;
    synthetic_header(&ledger)->header_bytes = 8192;
    check_refused(&ledger, "a header of 8192 bytes");
    synthetic_header(&ledger)->header_bytes = BELAY_LEDGER_HEADER_BYTES;
    ledger.size = sizeof(belay_ledger_header) - 1;
    check_refused(&ledger, "cut short");
    ledger.size = 7;
    check_refused(&ledger, "not a Belay ledger");
    ledger.size = 0;
    check_refused(&ledger, "not a Belay ledger");
    ledger.size = whole;
    synthetic_header(&ledger)->magic[0] = 'X';
    check_refused(&ledger, "not a Belay ledger");
    memset(synthetic_header(&ledger)->magic, 0, 8);
    check_refused(&ledger, "not finished");
    synthetic_fini(&ledger);
}

/* Every length a copy can be cut to, in steps that hit all borders of pages and rows. */
static void test_truncated(void **state) {
    (void)state;
    synthetic ledger;
    synthetic_init(&ledger);
    size_t whole = ledger.size;
    for (ledger.size = sizeof(belay_ledger_header); ledger.size < whole;
            ledger.size += 1021) {
        top_snapshot snapshot = take(&ledger);
        assert_true(snapshot.objects.count <= SYNTHETIC_OPEN);
        if (ledger.size < synthetic_segment(&ledger, SYNTHETIC_AT_REPORTS)->offset) {
            assert_true(snapshot.notes.damage > 0);
        }
        top_snapshot_fini(&snapshot);
    }
    ledger.size = whole;
    synthetic_fini(&ledger);
}

static void test_hostile_segments(void **state) {
    (void)state;
    synthetic ledger;
    synthetic_init(&ledger);
    const belay_ledger_segment rows = *synthetic_segment(&ledger, SYNTHETIC_AT_ROWS);
    size_t whole = ledger.size;
    synthetic_fini(&ledger);
    const uint64_t offsets[] = {
            0, 8, 4096, UINT64_MAX, UINT64_MAX - 63, INT64_MAX, whole, rows.offset + 1};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        belay_ledger_segment broken = rows;
        broken.offset = offsets[i];
        check_damage(SYNTHETIC_AT_ROWS, broken, 2, "segment 0 (rows)");
    }
    const uint32_t strides[] = {0, 1, 56, 63, 65, 2048, UINT32_MAX};
    for (size_t i = 0; i < sizeof strides / sizeof *strides; i++) {
        belay_ledger_segment broken = rows;
        broken.stride = strides[i];
        check_damage(SYNTHETIC_AT_ROWS, broken, 2, "can't be; left out");
    }
    const uint32_t counts[] = {0, (1u << 24) + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        belay_ledger_segment broken = rows;
        broken.count = counts[i];
        check_damage(SYNTHETIC_AT_ROWS, broken, 2, "can't be; left out");
    }
    belay_ledger_segment broken = rows;
    broken.first = UINT32_MAX;
    check_damage(SYNTHETIC_AT_ROWS, broken, 2, "can't be; left out");
    /* The same rows twice: a parent that lists its children endlessly. */
    broken = rows;
    broken.first = 60;
    check_damage(SYNTHETIC_AT_MORE_ROWS, broken, 7, "two segments (rows) hold row 60");
}

/* Each count of the header at its worst. */
static void test_hostile_header(void **state) {
    (void)state;
    synthetic ledger;
    synthetic_init(&ledger);
    belay_ledger_header *header = synthetic_header(&ledger);
    header->directory_count = UINT32_MAX;
    header->directory_max = UINT32_MAX;
    header->type_count = UINT32_MAX;
    header->site_count = UINT32_MAX;
    header->report_count = UINT64_MAX;
    header->pid = UINT32_MAX;
    header->ended = UINT32_MAX;
    header->now_ms = UINT64_MAX;
    header->start_unix_ns = UINT64_MAX;
    memset(header->program, 'p', sizeof header->program);
    memset(header->boot_id, 'b', sizeof header->boot_id);
    top_snapshot snapshot = take(&ledger);
    assert_int_equal(snapshot.objects.count, SYNTHETIC_OPEN);
    assert_int_equal(snapshot.notes.damage, 3); /* directory, types, lines */
    assert_int_equal(strlen(snapshot.header.program), 63);
    top_snapshot_fini(&snapshot);
    synthetic_fini(&ledger);
}

/* Texts without an end, and rows that name what is not there. */
static void test_hostile_rows(void **state) {
    (void)state;
    synthetic ledger;
    synthetic_init(&ledger);
    memset(synthetic_at(&ledger, SYNTHETIC_AT_TYPES, 1), 'n', sizeof(belay_ledger_type));
    memset(synthetic_at(&ledger, SYNTHETIC_AT_SITES, 1), 's', sizeof(belay_ledger_site));
    belay_ledger_row *row = synthetic_at(&ledger, SYNTHETIC_AT_ROWS, 2);
    row->type = UINT32_MAX;
    row->site = UINT32_MAX;
    row->first_child = row->next = row->previous = row->root =
            2; /* rings are never walked */
    top_snapshot snapshot = take(&ledger);
    assert_int_equal(strlen(snapshot.types[1].name), 111);
    assert_int_equal(strlen(top_snapshot_site_text(&snapshot, 1)), 255);
    assert_int_equal(snapshot.notes.damage, 1);
    assert_non_null(strstr(snapshot.notes.items[0].text, "1 open objects are of types"));
    top_snapshot_fini(&snapshot);
    synthetic_fini(&ledger);
}

static void test_many_notes(void **state) {
    (void)state;
    synthetic ledger;
    synthetic_init(&ledger);
    synthetic_header(&ledger)->directory_count = 200;
    for (int entry = SYNTHETIC_SEGMENTS; entry < 200; entry++) {
        *synthetic_segment(&ledger, entry) = (belay_ledger_segment){.kind = 1};
    }
    top_snapshot snapshot = take(&ledger);
    assert_int_equal(snapshot.notes.count, TOP_NOTE_MAX);
    assert_int_equal(snapshot.notes.damage, 200 - SYNTHETIC_SEGMENTS);
    top_snapshot_fini(&snapshot);
    synthetic_fini(&ledger);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_valid),
            cmocka_unit_test(test_objects), cmocka_unit_test(test_reports),
            cmocka_unit_test(test_sleeping_clock), cmocka_unit_test(test_refused),
            cmocka_unit_test(test_truncated), cmocka_unit_test(test_hostile_segments),
            cmocka_unit_test(test_hostile_header), cmocka_unit_test(test_hostile_rows),
            cmocka_unit_test(test_many_notes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
