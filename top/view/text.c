/* SPDX-License-Identifier: MIT */
/* text.c - a listing as tables for people. */
#include "view/text.h"

#include <inttypes.h>
#include <string.h>

#include "snapshot/account.h"
#include "view/quantity.h"
#include "view/table.h"
#include "view/word.h"

static void text_number(char out_text[TOP_ESCAPE_BYTES], uint64_t number) {
    snprintf(out_text, TOP_ESCAPE_BYTES, "%" PRIu64, number);
}

static void text_escaped(FILE *file, const char *text) {
    char escaped[TOP_ESCAPE_BYTES];
    top_escape_text(escaped, sizeof escaped, text);
    fputs(escaped, file);
}

static void text_print_header(
        FILE *file, const top_listing *listing, const char *source_name) {
    const top_snapshot *snapshot = listing->snapshot;
    char started[TOP_QUANTITY_BYTES];
    char lasted[TOP_QUANTITY_BYTES];
    bool is_running = top_life_is_running(snapshot->life);
    top_quantity_time(started, snapshot->header.start_unix_ns);
    top_quantity_duration(lasted, snapshot->now_ms);
    text_escaped(file, snapshot->header.program[0] ? snapshot->header.program : "?");
    fprintf(file, ", pid %" PRIu32 ", started %s, %s", snapshot->header.pid, started,
            top_life_text(snapshot->life));
    if (is_running) {
        fprintf(file, " for %s", lasted);
    }
    fputs("\nledger: ", file);
    text_escaped(file, source_name);
    if (!is_running) {
        fprintf(file, "; last sign of life %s after the start, ages are up to then",
                lasted);
    }
    if (*top_life_doubt(snapshot->life) != '\0') {
        fprintf(file, "\nnote: %s", top_life_doubt(snapshot->life));
    }
    fputc('\n', file);
    for (uint32_t i = 0; i < snapshot->notes.count; i++) {
        const top_note *note = &snapshot->notes.items[i];
        fprintf(file, "%s: %s\n", note->kind == TOP_NOTE_DAMAGE ? "damaged" : "note",
                note->text);
    }
    if (snapshot->notes.dropped > 0) {
        fprintf(file, "note: and %" PRIu32 " more of these\n", snapshot->notes.dropped);
    }
}

static const top_column text_type_columns[] = {{"TYPE", true}, {"LIVE", false},
        {"BYTES", false}, {"OPENED", false}, {"CLOSED", false}, {"RESCUED", false},
        {"LEAKED", false}, {"DISOWNED", false}, {"REFUSED", false}, {"FAILED", false},
        {"MISUSED", false}, {"PEAK", false}, {"PEAK BYTES", false}};

/* One line a type, and their sum when there are several. */
static void text_type_cell(
        const void *data, size_t row, size_t column, char out_text[TOP_ESCAPE_BYTES]) {
    const top_listing *listing = data;
    const top_snapshot *snapshot = listing->snapshot;
    top_account account = {0};
    const char *name = "(all)";
    if (row < listing->type_count) {
        const top_type *type = &snapshot->types[listing->types[row]];
        account = type->account;
        name = type->name;
    } else {
        for (size_t i = 0; i < listing->type_count; i++) {
            top_account_add(&account, &snapshot->types[listing->types[i]].account);
        }
    }
    const uint64_t numbers[] = {0, account.live, account.bytes, account.opened,
            account.closed, account.rescued, account.leaked, account.disowned,
            account.refused, account.failed, account.misused, account.live_peak,
            account.bytes_peak};
    if (column == 0) {
        top_escape_text(out_text, TOP_ESCAPE_BYTES, name);
    } else if (column >= 11 && row == listing->type_count) {
        snprintf(out_text, TOP_ESCAPE_BYTES, "-"); /* the peaks were not at one time */
    } else if (column == 2 || column == 12) {
        top_quantity_bytes(out_text, numbers[column]);
    } else {
        text_number(out_text, numbers[column]);
    }
}

static const top_column text_group_columns[] = {{"COUNT", false}, {"BYTES", false},
        {"OLDEST", false}, {"TYPE", true}, {"STATES", true}, {"OPENED AT", true}};

static void text_states(const top_group *group, char out_text[TOP_ESCAPE_BYTES]) {
    int used = 0;
    for (int state = 0; state < TOP_OBJECT_STATE_COUNT; state++) {
        if (group->by_state[state] > 0) {
            used += snprintf(out_text + used, (size_t)(TOP_ESCAPE_BYTES - used),
                    "%s%s %" PRIu64, used > 0 ? ", " : "",
                    top_object_state_word((top_object_state)state),
                    group->by_state[state]);
        }
    }
}

static void text_group_cell(
        const void *data, size_t row, size_t column, char out_text[TOP_ESCAPE_BYTES]) {
    const top_listing *listing = data;
    const top_group *group = &listing->groups[row];
    switch (column) {
    case 0:
        text_number(out_text, group->count);
        break;
    case 1:
        top_quantity_bytes(out_text, group->bytes);
        break;
    case 2:
        top_quantity_duration(out_text, group->oldest_ms);
        break;
    case 3:
        top_escape_text(out_text, TOP_ESCAPE_BYTES,
                top_snapshot_type_name(listing->snapshot, group->type));
        break;
    case 4:
        text_states(group, out_text);
        break;
    default:
        top_escape_text(out_text, TOP_ESCAPE_BYTES,
                top_snapshot_site_text(listing->snapshot, group->site));
    }
}

static const top_column text_object_columns[] = {{"OBJECT", true}, {"PARENT", true},
        {"BYTES", false}, {"AGE", false}, {"STATE", true}, {"TYPE", true},
        {"POINTER", true}, {"OPENED AT", true}};

static void text_parent(const top_object *object, char out_text[TOP_ESCAPE_BYTES]) {
    char parent[TOP_QUANTITY_BYTES];
    top_quantity_handle(parent, object->parent);
    snprintf(out_text, TOP_ESCAPE_BYTES, "%s%s", object->parent != 0 ? parent : "-",
            object->is_orphan ? " (gone)" : "");
}

static void text_state(const top_object *object, char out_text[TOP_ESCAPE_BYTES]) {
    const char *by_net = object->bits & BELAY_STATE_NETTED ? ", by the net" : "";
    const char *word = top_object_state_word(top_object_state_of(object));
    uint32_t borrows = top_object_borrows(object);
    if (borrows > 0) {
        snprintf(out_text, TOP_ESCAPE_BYTES, "%s %" PRIu32 "%s", word, borrows, by_net);
    } else {
        snprintf(out_text, TOP_ESCAPE_BYTES, "%s%s", word, by_net);
    }
}

static void text_object_cell(
        const void *data, size_t row, size_t column, char out_text[TOP_ESCAPE_BYTES]) {
    const top_listing *listing = data;
    const top_object *object = listing->objects[row];
    switch (column) {
    case 0:
        top_quantity_handle(out_text, object->handle);
        break;
    case 1:
        text_parent(object, out_text);
        break;
    case 2:
        top_quantity_bytes(out_text, object->size_bytes);
        break;
    case 3:
        top_quantity_duration(out_text, object->age_ms);
        break;
    case 4:
        text_state(object, out_text);
        break;
    case 5:
        top_escape_text(out_text, TOP_ESCAPE_BYTES,
                top_snapshot_type_name(listing->snapshot, object->type));
        break;
    case 6:
        snprintf(out_text, TOP_ESCAPE_BYTES, "0x%" PRIx64, object->pointer);
        break;
    default:
        top_escape_text(out_text, TOP_ESCAPE_BYTES,
                top_snapshot_site_text(listing->snapshot, object->site));
    }
}

static const top_column text_report_columns[] = {{"AFTER", false}, {"REPORT", true},
        {"COUNT", false}, {"TYPE", true}, {"AGE", false}, {"LINES", true}};

/* "opened a.go:1, closed a.go:2, used a.go:3, code 5", as far as they are known. */
static void text_report_lines(const top_snapshot *snapshot,
        const belay_ledger_report *report, char out_text[TOP_ESCAPE_BYTES]) {
    const char *const words[] = {"opened", "closed", "used"};
    const uint32_t sites[] = {report->opened, report->closed, report->used};
    char line[TOP_ESCAPE_BYTES];
    size_t used = 0;
    *out_text = '\0';
    for (int i = 0; i < 3; i++) {
        if (sites[i] == 0) {
            continue;
        }
        /* A third of the room each. */
        top_escape_text(line, TOP_ESCAPE_BYTES / 3 - 16,
                top_snapshot_site_text(snapshot, sites[i]));
        used += (size_t)snprintf(out_text + used, TOP_ESCAPE_BYTES - used, "%s%s %s",
                used > 0 ? ", " : "", words[i], line);
    }
    if (used == 0 && report->code == 0) {
        snprintf(out_text, TOP_ESCAPE_BYTES, "-");
    } else if (report->code != 0) {
        snprintf(out_text + used, TOP_ESCAPE_BYTES - used, "%scode %" PRId32,
                used > 0 ? ", " : "", report->code);
    }
}

static void text_report_cell(
        const void *data, size_t row, size_t column, char out_text[TOP_ESCAPE_BYTES]) {
    const top_listing *listing = data;
    const belay_ledger_report *report = listing->reports[row];
    switch (column) {
    case 0:
        top_quantity_duration(out_text, report->at_ms);
        break;
    case 1:
        snprintf(out_text, TOP_ESCAPE_BYTES, "%s", top_word_report(report->kind));
        break;
    case 2:
        text_number(out_text, report->count);
        break;
    case 3:
        top_escape_text(out_text, TOP_ESCAPE_BYTES,
                top_snapshot_type_name(listing->snapshot, report->type));
        break;
    case 4:
        top_quantity_duration(out_text, report->age_ms);
        break;
    default:
        text_report_lines(listing->snapshot, report, out_text);
    }
}

/* Prints the first `shown` of `count` lines, and says what is left. */
static void text_print_list(FILE *file, const top_listing *listing, size_t count,
        size_t shown, top_cell_fn cell, const top_column *columns, size_t column_count) {
    top_table table = {.columns = columns,
            .column_count = column_count,
            .row_count = shown,
            .cell = cell,
            .data = listing,
            .has_titles = !listing->choice->is_without_header};
    top_table_print(&table, file);
    if (shown < count && table.has_titles) {
        fprintf(file, "... and %zu more\n", count - shown);
    }
}

#define TEXT_COLUMNS(columns) (columns), sizeof(columns) / sizeof *(columns)
#define TEXT_REPORTS 20 /* when no limit is given */

static void text_print_open(FILE *file, const top_listing *listing) {
    if (listing->choice->is_each_object && listing->object_count > 0) {
        text_print_list(file, listing, listing->object_count,
                top_listing_cut(listing, listing->object_count), text_object_cell,
                TEXT_COLUMNS(text_object_columns));
    } else if (listing->object_count > 0) {
        text_print_list(file, listing, listing->group_count,
                top_listing_cut(listing, listing->group_count), text_group_cell,
                TEXT_COLUMNS(text_group_columns));
    }
}

static void text_print_reports(FILE *file, const top_listing *listing) {
    size_t shown = top_listing_cut(listing, listing->report_count);
    if (listing->choice->limit == SIZE_MAX && shown > TEXT_REPORTS) {
        shown = TEXT_REPORTS;
    }
    if (listing->report_count > 0) {
        text_print_list(file, listing, listing->report_count, shown, text_report_cell,
                TEXT_COLUMNS(text_report_columns));
    }
}

void top_text_print(FILE *file, const top_listing *listing, const char *source_name) {
    bool has_titles = !listing->choice->is_without_header;
    size_t lines = listing->type_count + (has_titles && listing->type_count > 1);
    if (has_titles) {
        text_print_header(file, listing, source_name);
        fputc('\n', file);
    }
    top_table types = {
            TEXT_COLUMNS(text_type_columns), lines, text_type_cell, listing, has_titles};
    top_table_print(&types, file);
    fputc('\n', file);
    if (has_titles) {
        fprintf(file, "open: %zu\n", listing->object_count);
    }
    text_print_open(file, listing);
    fputc('\n', file);
    if (has_titles) {
        fprintf(file, "reports: %" PRIu64 " in all, %zu in the ledger%s\n",
                listing->snapshot->header.report_count, listing->report_count,
                listing->choice->type ? " of this type" : "");
    }
    text_print_reports(file, listing);
}
