/* SPDX-License-Identifier: MIT */
/* exercise.c - reads any bytes as a ledger and shows them in every way. */
#include "exercise.h"

#include <stdio.h>
#include <stdlib.h>

#include "document.h"
#include "snapshot/snapshot.h"
#include "synthetic.h"
#include "view/json.h"
#include "view/listing.h"
#include "view/text.h"

static void exercise_fail(const char *what, const char *text) {
    fprintf(stderr, "exercise: %s:\n%s\n", what, text);
    abort();
}

static void exercise_show(
        const top_snapshot *snapshot, const top_choice *choice, int is_json) {
    top_listing listing;
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    if (!file || !top_listing_init(&listing, snapshot, choice)) {
        abort();
    }
    (is_json ? top_json_print : top_text_print)(file, &listing, "a source");
    top_listing_fini(&listing);
    fclose(file);
    for (size_t i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte < 0x20 && byte != '\n') || byte == 0x7f) {
            exercise_fail("a control character", text);
        }
    }
    if (is_json && !document_is_json(text)) {
        exercise_fail("not JSON", text);
    }
    free(text);
}

int exercise_ledger(const unsigned char *bytes, size_t size) {
    /* The bytes are only read. */
    synthetic ledger = {(unsigned char *)(size_t)bytes, size};
    top_source source;
    top_snapshot snapshot;
    top_failure failure;
    synthetic_open(&ledger, &source);
    int is_ledger = top_snapshot_take(&snapshot, &source, &failure);
    if (is_ledger) {
        top_choice by_line = {.sort = TOP_SORT_AGE, .limit = 50};
        top_choice by_object = {
                .sort = TOP_SORT_COUNT, .limit = 50, .is_each_object = true};
        top_choice one_type = {
                .type = "sqlite3_stmt", .limit = 2, .is_without_header = true};
        exercise_show(&snapshot, &by_line, 0);
        exercise_show(&snapshot, &by_line, 1);
        exercise_show(&snapshot, &by_object, 0);
        exercise_show(&snapshot, &by_object, 1);
        exercise_show(&snapshot, &one_type, 0);
        top_snapshot_fini(&snapshot);
    }
    top_source_close(&source);
    return is_ledger;
}
