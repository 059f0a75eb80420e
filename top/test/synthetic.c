/* SPDX-License-Identifier: MIT */
/* synthetic.c - a ledger made by hand. */
#include "synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "belay/vocabulary.h"

#define SYNTHETIC_PAGE 4096u
#define SYNTHETIC_GENERATION(n) ((uint64_t)(n) << BELAY_STATE_GENERATION_SHIFT)
#define SYNTHETIC_HANDLE(generation, index) (SYNTHETIC_GENERATION(generation) | (index))

static const belay_ledger_segment synthetic_directory[SYNTHETIC_SEGMENTS] = {
        [SYNTHETIC_AT_ROWS] = {1, 0, SYNTHETIC_ROWS, sizeof(belay_ledger_row), 0},
        [SYNTHETIC_AT_UNKNOWN] = {77, 5, 3, 1, 0},
        [SYNTHETIC_AT_TYPES] = {2, 0, SYNTHETIC_TYPES, sizeof(belay_ledger_type), 0},
        [SYNTHETIC_AT_COUNTERS] = {4, 0, SYNTHETIC_TYPES, sizeof(belay_ledger_counters),
                0},
        [SYNTHETIC_AT_SITES] = {3, 0, SYNTHETIC_SITES, sizeof(belay_ledger_site), 0},
        /* Rows that a newer writer made longer. */
        [SYNTHETIC_AT_MORE_ROWS] = {1, SYNTHETIC_ROWS, SYNTHETIC_ROWS, 96, 0},
        [SYNTHETIC_AT_REPORTS] = {5, 0, SYNTHETIC_REPORTS, sizeof(belay_ledger_report),
                0},
};

belay_ledger_header *synthetic_header(const synthetic *ledger) {
    return (belay_ledger_header *)(void *)ledger->bytes;
}

belay_ledger_segment *synthetic_segment(const synthetic *ledger, int entry) {
    return (belay_ledger_segment *)(void *)(ledger->bytes + BELAY_LEDGER_HEADER_BYTES) +
           entry;
}

void *synthetic_at(const synthetic *ledger, int entry, size_t row) {
    const belay_ledger_segment *segment = synthetic_segment(ledger, entry);
    return ledger->bytes + segment->offset + row * segment->stride;
}

static void synthetic_lay_out(synthetic *ledger) {
    belay_ledger_segment segments[SYNTHETIC_SEGMENTS];
    size_t end = BELAY_LEDGER_HEADER_BYTES +
                 BELAY_LEDGER_DIRECTORY_MAX * sizeof(belay_ledger_segment);
    memcpy(segments, synthetic_directory, sizeof segments);
    for (int i = 0; i < SYNTHETIC_SEGMENTS; i++) {
        segments[i].offset = end;
        end += (size_t)segments[i].count * segments[i].stride;
        end = (end + SYNTHETIC_PAGE - 1) / SYNTHETIC_PAGE * SYNTHETIC_PAGE;
    }
    ledger->size = end;
    ledger->bytes = calloc(1, end);
    if (!ledger->bytes) {
        abort();
    }
    memcpy(synthetic_segment(ledger, 0), segments, sizeof segments);
}

static void synthetic_fill_header(const synthetic *ledger) {
    *synthetic_header(ledger) = (belay_ledger_header){
            .magic = {'B', 'E', 'L', 'A', 'Y', 'L', 'G', '1'},
            .version = BELAY_LEDGER_VERSION,
            .header_bytes = BELAY_LEDGER_HEADER_BYTES,
            .pid = 4242,
            .start_ticks = 99,
            .boot_id = "00000000-1111-2222-3333-444444444444",
            .start_unix_ns =
                    UINT64_C(1767323045) * 1000000000, /* 2026-01-02 03:04:05 UTC */
            .start_mono_ns = UINT64_C(5) * 1000000000,
            .now_ms = 3725000,
            .directory_max = BELAY_LEDGER_DIRECTORY_MAX,
            .directory_count = SYNTHETIC_SEGMENTS,
            .type_count = 3,
            .site_count = 5,
            .report_count = 11,
            .program = "demo",
    };
}

static void synthetic_fill_types(const synthetic *ledger) {
    static const char *const names[] = {"", "sqlite3", "sqlite3_stmt", "evil\x1b[31m\n"};
    static const char *const sites[] = {"?", "main.open shop/db.go:10",
            "main.query shop/db.go:33", "main.b\xc3\xa9la\xe2\x80\xae x.go:1\r\n",
            "\xff\xfe bytes.c:7"};
    for (int id = 1; id <= 3; id++) {
        belay_ledger_type *type = synthetic_at(ledger, SYNTHETIC_AT_TYPES, (size_t)id);
        snprintf(type->name, sizeof type->name, "%s", names[id]);
        type->guard = BELAY_GUARD_EXCLUSIVE;
        type->thread = BELAY_THREAD_ANY;
    }
    for (int id = 0; id < 5; id++) {
        belay_ledger_site *site = synthetic_at(ledger, SYNTHETIC_AT_SITES, (size_t)id);
        snprintf(site->text, sizeof site->text, "%s", sites[id]);
    }
}

static void synthetic_fill_counters(const synthetic *ledger) {
    belay_ledger_counters *counters = synthetic_at(ledger, SYNTHETIC_AT_COUNTERS, 1);
    counters->shards[0] =
            (belay_ledger_shard){.opened = 3, .gone = 2, .more_bytes = 70000};
    counters->shards[17].more_bytes = (uint64_t)-4464; /* freed by another thread */
    counters->live_peak = 2;
    counters->bytes_peak = 131072;
    counters->refused = 1;
    counters = synthetic_at(ledger, SYNTHETIC_AT_COUNTERS, 2);
    counters->size_bytes = 1000;
    counters->shards[3] =
            (belay_ledger_shard){.opened = 10000, .gone = 4, .more_bytes = 2000};
    counters->shards[31] = (belay_ledger_shard){.opened = 11, .gone = 10000};
    counters->rescued = 9000;
    counters->leaked = 3;
    counters->disowned = 2;
    counters->failed = 4;
    counters->misused = 5;
    counters->live_peak = 9100;
    counters->bytes_peak = 9100000;
    counters = synthetic_at(ledger, SYNTHETIC_AT_COUNTERS, 3);
    counters->shards[0] = (belay_ledger_shard){.opened = 1, .more_bytes = 1};
}

typedef struct synthetic_row {
    uint32_t index;
    uint64_t generation;
    uint64_t bits;
    uint64_t size_bytes;
    uint32_t opened_ms;
    uint32_t type;
    uint32_t site;
    uint64_t parent;
} synthetic_row;

static void synthetic_fill_rows(const synthetic *ledger) {
    const uint64_t db = SYNTHETIC_HANDLE(1, 1);
    const uint64_t live = BELAY_STATE_LIVE | BELAY_STATE_KIN;
    const uint64_t closed = live | BELAY_STATE_CLOSED;
    const uint64_t dying = closed | BELAY_STATE_DYING | BELAY_STATE_NETTED;
    const synthetic_row rows[] = {
            {1, 1, live | 1, 65536, 0, 1, 1, 0},
            {2, 1, live, 1000, 3724650, 2, 2, db},
            {3, 3, live | 2, 1000, 3712700, 2, 2, db},
            {4, 1, closed | 1, 1000, 3413000, 2, 2, db},
            {5, 1, closed, 1000, 25000, 2, 2, db},
            {6, 9, 0, 77, 0, 2, 2, 0}, /* free, used before */
            {7, (UINT64_C(1) << 40) - 1, BELAY_STATE_CLOSED, 0, 0, 0, 0, 0}, /* retired */
            {8, 1, dying, 2000, 3725001, 2, 4, db},
            {9, 1, live, 1000, 3725000, 2, 4,
                    SYNTHETIC_HANDLE(2, 1)}, /* its parent is gone */
            {64, 1, live, 2000, 3725000, 2, 0, SYNTHETIC_HANDLE(1, 2)},
            {127, 5, BELAY_STATE_LIVE, 1, 3000000, 3, 3, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const synthetic_row *row = &rows[i];
        int entry =
                row->index < SYNTHETIC_ROWS ? SYNTHETIC_AT_ROWS : SYNTHETIC_AT_MORE_ROWS;
        belay_ledger_row *place =
                synthetic_at(ledger, entry, row->index % SYNTHETIC_ROWS);
        *place = (belay_ledger_row){
                .state = SYNTHETIC_GENERATION(row->generation) | row->bits,
                .object = 0x7f0000000000 + row->index * 4096,
                .size_bytes = row->size_bytes,
                .opened_ms = row->opened_ms,
                .type = row->type,
                .site = row->site,
                .parent = row->parent,
        };
    }
}

/* Eleven reports went through a ring of eight: the last three took the first rows again.
 */
static void synthetic_fill_reports(const synthetic *ledger) {
    for (uint64_t n = 3; n < 11; n++) {
        belay_ledger_report *report =
                synthetic_at(ledger, SYNTHETIC_AT_REPORTS, n % SYNTHETIC_REPORTS);
        *report = (belay_ledger_report){.sequence = n + 1,
                .at_ms = n * 1000,
                .count = 1,
                .kind = BELAY_REPORT_RESCUE,
                .type = 2,
                .opened = 2,
                .age_ms = 350,
                .handle = SYNTHETIC_HANDLE(1, 6)};
    }
    belay_ledger_report *last = synthetic_at(ledger, SYNTHETIC_AT_REPORTS, 10 % 8);
    last->kind = BELAY_REPORT_DESTROY_REFUSED;
    last->type = 1;
    last->code = -5;
    last->status = 8;
    last->opened = 1;
    last = synthetic_at(ledger, SYNTHETIC_AT_REPORTS, 9 % 8);
    last->kind = BELAY_REPORT_USE_AFTER_CLOSE;
    last->closed = 3;
    last->used = 4;
    last->count = 12;
    last = synthetic_at(ledger, SYNTHETIC_AT_REPORTS, 8 % 8);
    last->kind = 999; /* of a newer Belay */
    last->opened = 0;
    /* Was being written when the program died. */
    last = synthetic_at(ledger, SYNTHETIC_AT_REPORTS, 3);
    last->sequence = 0;
}

void synthetic_init(synthetic *out_ledger) {
    synthetic_lay_out(out_ledger);
    synthetic_fill_header(out_ledger);
    synthetic_fill_types(out_ledger);
    synthetic_fill_counters(out_ledger);
    synthetic_fill_rows(out_ledger);
    synthetic_fill_reports(out_ledger);
}

void synthetic_fini(synthetic *ledger) {
    free(ledger->bytes);
    *ledger = (synthetic){0};
}

void synthetic_open(const synthetic *ledger, top_source *out_source) {
    *out_source = (top_source){
            .fd = memfd_create("synthetic", MFD_CLOEXEC), .name = "synthetic"};
    size_t done = 0;
    while (out_source->fd >= 0 && done < ledger->size) {
        ssize_t put = write(out_source->fd, ledger->bytes + done, ledger->size - done);
        if (put <= 0) {
            abort();
        }
        done += (size_t)put;
    }
}
