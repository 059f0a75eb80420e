/* SPDX-License-Identifier: MIT */
/* ring.c - the last reports, newest first. */
#include "snapshot/ring.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int ring_compare(const void *left, const void *right) {
    const belay_ledger_report *a = left;
    const belay_ledger_report *b = right;
    return a->sequence > b->sequence ? -1 : a->sequence < b->sequence;
}

/* Report n lies in row n modulo the ring's length, and carries n + 1: anything else in a
 * row is half written or damaged. */
static bool ring_is_whole(const belay_ledger_report *report,
        const belay_ledger_report *again, uint32_t row, uint32_t length) {
    return report->sequence != 0 && (report->sequence - 1) % length == row &&
           memcmp(report, again, sizeof *report) == 0;
}

void top_ring_read(top_snapshot *snapshot, const top_source *source,
        const top_directory *directory) {
    uint32_t length = 0;
    uint32_t again_length = 0;
    belay_ledger_report *rows = top_directory_read_table(
            directory, source, TOP_KIND_REPORTS, SIZE_MAX, &length, &snapshot->notes);
    belay_ledger_report *again = top_directory_read_table(
            directory, source, TOP_KIND_REPORTS, length, &again_length, &snapshot->notes);
    if (length > again_length) {
        length = again_length;
    }
    uint32_t kept = 0;
    uint32_t strange = 0;
    for (uint32_t row = 0; row < length; row++) {
        if (ring_is_whole(&rows[row], &again[row], row, length)) {
            rows[kept++] = rows[row];
        } else {
            strange +=
                    rows[row].sequence != 0 && rows[row].sequence == again[row].sequence;
        }
    }
    free(again);
    if (strange > 0) {
        top_note_add(&snapshot->notes, TOP_NOTE_DAMAGE,
                "%" PRIu32 " reports are not in their place of the ring; left out",
                strange);
    }
    if (kept > 0) {
        qsort(rows, kept, sizeof *rows, ring_compare);
    }
    snapshot->reports = rows;
    snapshot->report_count = kept;
}
