/* SPDX-License-Identifier: MIT */
/* account.c - the types of a ledger with their counters. */
#include "snapshot/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The shards are read while the program writes them: a sum of differences that falls
 * below zero is a moment's, and shown as zero. */
static uint64_t account_difference(uint64_t whole, uint64_t part) {
    return whole > part ? whole - part : 0;
}

static void account_sum(top_account *out_account, const belay_ledger_counters *counters) {
    uint64_t opened = 0;
    uint64_t gone = 0;
    uint64_t bytes = 0;
    for (int shard = 0; shard < BELAY_LEDGER_SHARDS; shard++) {
        opened += counters->shards[shard].opened;
        gone += counters->shards[shard].gone;
        bytes += counters->shards[shard].more_bytes;
    }
    uint64_t closed = account_difference(gone, counters->rescued);
    closed = account_difference(closed, counters->leaked);
    uint64_t live = account_difference(opened, gone);
    bytes += (opened - gone) * counters->size_bytes;
    uint64_t live_bytes = bytes <= INT64_MAX ? bytes : 0;
    *out_account = (top_account){
            .live = live,
            .bytes = live_bytes,
            .opened = opened,
            .closed = account_difference(closed, counters->disowned),
            .rescued = counters->rescued,
            .leaked = counters->leaked,
            .disowned = counters->disowned,
            .refused = counters->refused,
            .failed = counters->failed,
            .misused = counters->misused,
            /* The writer samples its peaks; what is there now is one, too. */
            .live_peak = counters->live_peak > live ? counters->live_peak : live,
            .bytes_peak =
                    counters->bytes_peak > live_bytes ? counters->bytes_peak : live_bytes,
    };
}

/* Returns how many rows are in use: registered when the header was read, or named since.
 */
static uint32_t account_used(
        const belay_ledger_type *rows, uint32_t row_count, uint32_t type_count) {
    uint32_t used = row_count;
    while (used > 0 && used - 1 > type_count && rows[used - 1].name[0] == '\0') {
        used--;
    }
    return used;
}

static void account_name(top_type *type, uint32_t id, const belay_ledger_type *row) {
    memcpy(type->name, row->name, sizeof type->name);
    type->name[sizeof type->name - 1] = '\0';
    if (type->name[0] == '\0') {
        snprintf(type->name, sizeof type->name, "type %" PRIu32, id);
    }
    type->size_bytes = row->size_bytes;
    type->guard = row->guard;
    type->thread = row->thread;
    type->net = row->net;
    type->children = row->children;
}

bool top_account_read(top_snapshot *snapshot, const top_source *source,
        const top_directory *directory) {
    uint32_t row_count = 0;
    uint32_t counters_count = 0;
    belay_ledger_type *rows = top_directory_read_table(
            directory, source, TOP_KIND_TYPES, SIZE_MAX, &row_count, &snapshot->notes);
    row_count = account_used(rows, row_count, snapshot->header.type_count);
    belay_ledger_counters *counters = top_directory_read_table(directory, source,
            TOP_KIND_COUNTERS, row_count, &counters_count, &snapshot->notes);
    if (row_count <= snapshot->header.type_count && snapshot->header.type_count > 0) {
        top_note_add(&snapshot->notes, TOP_NOTE_DAMAGE,
                "%" PRIu32 " types are registered, %" PRIu32 " are in the file",
                snapshot->header.type_count, row_count - (row_count > 0));
    }
    if (counters_count < row_count) {
        top_note_add(&snapshot->notes, TOP_NOTE_DAMAGE,
                "counters of %" PRIu32 " of %" PRIu32 " types are missing, shown as 0",
                row_count - counters_count, row_count);
    }
    snapshot->types = row_count > 0 ? calloc(row_count, sizeof *snapshot->types) : NULL;
    snapshot->type_count = snapshot->types ? row_count : 0;
    for (uint32_t id = 0; id < snapshot->type_count; id++) {
        account_name(&snapshot->types[id], id, &rows[id]);
        if (id < counters_count) {
            account_sum(&snapshot->types[id].account, &counters[id]);
        }
    }
    free(rows);
    free(counters);
    return snapshot->type_count == row_count;
}

void top_account_add(top_account *sum, const top_account *account) {
    sum->live += account->live;
    sum->bytes += account->bytes;
    sum->opened += account->opened;
    sum->closed += account->closed;
    sum->rescued += account->rescued;
    sum->leaked += account->leaked;
    sum->disowned += account->disowned;
    sum->refused += account->refused;
    sum->failed += account->failed;
    sum->misused += account->misused;
}
