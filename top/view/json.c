/* SPDX-License-Identifier: MIT */
/* json.c - a listing as one JSON document. */
#include "view/json.h"

#include <inttypes.h>
#include <string.h>

#include "belay/export.h"
#include "view/escape.h"
#include "view/quantity.h"
#include "view/word.h"

/* Where the document stands: whether the next value needs a comma before it. */
typedef struct json_writer {
    FILE *file;
    bool needs_comma;
} json_writer;

/* Begins a value: key is NULL within an array. */
static void json_begin(json_writer *writer, const char *key) {
    if (writer->needs_comma) {
        fputs(", ", writer->file);
    }
    writer->needs_comma = true;
    if (key) {
        fprintf(writer->file, "\"%s\": ", key);
    }
}

static void json_open(json_writer *writer, const char *key, char bracket) {
    json_begin(writer, key);
    fputc(bracket, writer->file);
    writer->needs_comma = false;
}

static void json_close(json_writer *writer, char bracket) {
    fputc(bracket, writer->file);
    writer->needs_comma = true;
}

/* Begins an object of an array, on a line of its own. */
static void json_open_item(json_writer *writer) {
    fputs(writer->needs_comma ? ",\n    " : "\n    ", writer->file);
    writer->needs_comma = false;
    json_open(writer, NULL, '{');
}

static void json_number(json_writer *writer, const char *key, uint64_t number) {
    json_begin(writer, key);
    fprintf(writer->file, "%" PRIu64, number);
}

static void json_text(json_writer *writer, const char *key, const char *text) {
    json_begin(writer, key);
    top_escape_json(writer->file, text);
}

static void json_flag(json_writer *writer, const char *key, bool flag) {
    json_begin(writer, key);
    fputs(flag ? "true" : "false", writer->file);
}

/* An object's name; null for 0. */
static void json_handle(json_writer *writer, const char *key, uint64_t handle) {
    char text[TOP_QUANTITY_BYTES];
    json_begin(writer, key);
    top_quantity_handle(text, handle);
    fprintf(writer->file, handle != 0 ? "\"%s\"" : "null", text);
}

/* A line of source; null for 0, the unknown one. */
static void json_site(json_writer *writer, const char *key, const top_snapshot *snapshot,
        uint32_t site) {
    json_begin(writer, key);
    if (site == 0) {
        fputs("null", writer->file);
    } else {
        top_escape_json(writer->file, top_snapshot_site_text(snapshot, site));
    }
}

static void json_ledger(
        json_writer *writer, const top_snapshot *snapshot, const char *source_name) {
    const belay_ledger_header *header = &snapshot->header;
    json_open(writer, "ledger", '{');
    json_text(writer, "source", source_name);
    json_number(writer, "version", header->version);
    json_text(writer, "program", header->program);
    json_number(writer, "pid", header->pid);
    json_text(writer, "boot_id", header->boot_id);
    json_number(writer, "start_unix_ms", header->start_unix_ns / 1000000);
    json_number(writer, "now_ms", snapshot->now_ms);
    json_text(writer, "state", top_life_word(snapshot->life));
    json_text(writer, "doubt", top_life_doubt(snapshot->life));
    json_flag(writer, "is_damaged", snapshot->notes.damage > 0);
    json_open(writer, "notes", '[');
    for (uint32_t i = 0; i < snapshot->notes.count; i++) {
        json_text(writer, NULL, snapshot->notes.items[i].text);
    }
    json_close(writer, ']');
    json_close(writer, '}');
}

static void json_type(json_writer *writer, const top_type *type) {
    const top_account *account = &type->account;
    json_open_item(writer);
    json_text(writer, "type", type->name);
    json_number(writer, "live", account->live);
    json_number(writer, "bytes", account->bytes);
    json_number(writer, "opened", account->opened);
    json_number(writer, "closed", account->closed);
    json_number(writer, "rescued", account->rescued);
    json_number(writer, "leaked", account->leaked);
    json_number(writer, "disowned", account->disowned);
    json_number(writer, "refused", account->refused);
    json_number(writer, "failed", account->failed);
    json_number(writer, "misused", account->misused);
    json_number(writer, "live_peak", account->live_peak);
    json_number(writer, "bytes_peak", account->bytes_peak);
    json_number(writer, "size_bytes", type->size_bytes);
    json_text(writer, "guard", top_word_guard(type->guard));
    json_text(writer, "thread", top_word_thread(type->thread));
    json_text(writer, "net", top_word_net(type->net));
    json_text(writer, "children", top_word_children(type->children));
    json_close(writer, '}');
}

static void json_group(
        json_writer *writer, const top_snapshot *snapshot, const top_group *group) {
    json_open_item(writer);
    json_text(writer, "type", top_snapshot_type_name(snapshot, group->type));
    json_site(writer, "opened_at", snapshot, group->site);
    json_number(writer, "count", group->count);
    json_number(writer, "bytes", group->bytes);
    json_number(writer, "oldest_ms", group->oldest_ms);
    for (int state = 0; state < TOP_OBJECT_STATE_COUNT; state++) {
        json_number(writer, top_object_state_word((top_object_state)state),
                group->by_state[state]);
    }
    json_close(writer, '}');
}

static void json_object(
        json_writer *writer, const top_snapshot *snapshot, const top_object *object) {
    char pointer[TOP_QUANTITY_BYTES];
    snprintf(pointer, sizeof pointer, "0x%" PRIx64, object->pointer);
    json_open_item(writer);
    json_handle(writer, "object", object->handle);
    json_handle(writer, "parent", object->parent);
    json_flag(writer, "is_parent_gone", object->is_orphan);
    json_text(writer, "type", top_snapshot_type_name(snapshot, object->type));
    json_site(writer, "opened_at", snapshot, object->site);
    json_number(writer, "bytes", object->size_bytes);
    json_number(writer, "age_ms", object->age_ms);
    json_text(writer, "state", top_object_state_word(top_object_state_of(object)));
    json_number(writer, "borrows", top_object_borrows(object));
    json_flag(writer, "is_netted", object->bits & BELAY_STATE_NETTED);
    json_text(writer, "pointer", pointer);
    json_close(writer, '}');
}

static void json_report(json_writer *writer, const top_snapshot *snapshot,
        const belay_ledger_report *report) {
    json_open_item(writer);
    json_number(writer, "number", report->sequence);
    json_number(writer, "at_ms", report->at_ms);
    json_text(writer, "report", top_word_report(report->kind));
    json_number(writer, "count", report->count);
    json_text(writer, "type", top_snapshot_type_name(snapshot, report->type));
    json_handle(writer, "object", report->handle);
    json_number(writer, "age_ms", report->age_ms);
    json_text(writer, "status", top_word_status(report->status));
    json_begin(writer, "code");
    fprintf(writer->file, "%" PRId32, report->code);
    json_site(writer, "opened_at", snapshot, report->opened);
    json_site(writer, "closed_at", snapshot, report->closed);
    json_site(writer, "used_at", snapshot, report->used);
    json_close(writer, '}');
}

/* Begins a list of the document, on a line of its own. */
static void json_open_list(json_writer *writer, const char *key) {
    fputs(",\n  ", writer->file);
    writer->needs_comma = false;
    json_open(writer, key, '[');
}

void top_json_print(FILE *file, const top_listing *listing, const char *source_name) {
    const top_snapshot *snapshot = listing->snapshot;
    json_writer writer = {file, false};
    json_open(&writer, NULL, '{');
    json_text(&writer, "belay_top", BELAY_VERSION);
    json_ledger(&writer, snapshot, source_name);
    json_open_list(&writer, "types");
    for (size_t i = 0; i < listing->type_count; i++) {
        json_type(&writer, &snapshot->types[listing->types[i]]);
    }
    json_close(&writer, ']');
    json_open_list(&writer, "open");
    for (size_t i = 0; i < top_listing_cut(listing, listing->group_count); i++) {
        json_group(&writer, snapshot, &listing->groups[i]);
    }
    json_close(&writer, ']');
    if (listing->choice->is_each_object) {
        json_open_list(&writer, "objects");
        for (size_t i = 0; i < top_listing_cut(listing, listing->object_count); i++) {
            json_object(&writer, snapshot, listing->objects[i]);
        }
        json_close(&writer, ']');
    }
    json_open_list(&writer, "reports");
    for (size_t i = 0; i < top_listing_cut(listing, listing->report_count); i++) {
        json_report(&writer, snapshot, listing->reports[i]);
    }
    json_close(&writer, ']');
    json_close(&writer, '}');
    fputc('\n', file);
}
