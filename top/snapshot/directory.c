/* SPDX-License-Identifier: MIT */
/* directory.c - the segments of a ledger, checked against the file, and tables read from
 * them. */
#include "snapshot/directory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DIRECTORY_WORD(name, word) word,
static const char *const directory_words[TOP_KIND_COUNT] = {
        BELAY_LEDGER_SEGMENT_LIST(DIRECTORY_WORD)};

/* What a kind may hold. The limits lie far above the writer's own; they keep a hostile
 * ledger from taking all memory. */
typedef struct directory_limit {
    uint32_t row_bytes; /* 0: not a kind to read */
    uint32_t rows_max;
} directory_limit;

static const directory_limit directory_limits[TOP_KIND_COUNT] = {
        [TOP_KIND_ROWS] = {sizeof(belay_ledger_row), 1u << BELAY_STATE_GENERATION_SHIFT},
        [TOP_KIND_TYPES] = {sizeof(belay_ledger_type), 1u << 14},
        [TOP_KIND_SITES] = {sizeof(belay_ledger_site), 1u << 20},
        [TOP_KIND_COUNTERS] = {sizeof(belay_ledger_counters), 1u << 14},
        [TOP_KIND_REPORTS] = {sizeof(belay_ledger_report), 1u << 16},
};

#define DIRECTORY_STRIDE_FACTOR 16 /* how many times its size a row may have grown */
#define DIRECTORY_CHUNK_BYTES (64 * 1024)

/* Checks one segment, and cuts it to what the file holds. False: leave it out. */
static bool directory_check(belay_ledger_segment *segment, uint32_t entry,
        uint64_t file_bytes, top_notes *notes) {
    const directory_limit *limit = &directory_limits[segment->kind];
    const char *word = directory_words[segment->kind];
    uint64_t least = BELAY_LEDGER_HEADER_BYTES +
                     BELAY_LEDGER_DIRECTORY_MAX * sizeof(belay_ledger_segment);
    if (segment->stride < limit->row_bytes || segment->stride % 8 != 0 ||
            segment->stride > limit->row_bytes * DIRECTORY_STRIDE_FACTOR) {
        top_note_add(notes, TOP_NOTE_DAMAGE,
                "segment %" PRIu32 " (%s): rows of %" PRIu32 " bytes can't be; left out",
                entry, word, segment->stride);
        return false;
    }
    if (segment->offset < least || segment->offset % 8 != 0 || segment->count == 0 ||
            segment->count > limit->rows_max ||
            segment->first > limit->rows_max - segment->count) {
        top_note_add(notes, TOP_NOTE_DAMAGE,
                "segment %" PRIu32 " (%s): %" PRIu32 " rows from %" PRIu32
                " at offset %" PRIu64 " can't be; left out",
                entry, word, segment->count, segment->first, segment->offset);
        return false;
    }
    uint64_t held = segment->offset < file_bytes
                            ? (file_bytes - segment->offset) / segment->stride
                            : 0;
    if (held < segment->count) {
        top_note_add(notes, TOP_NOTE_DAMAGE,
                "segment %" PRIu32 " (%s): the file is cut short, it holds %" PRIu64
                " of %" PRIu32 " rows",
                entry, word, held, segment->count);
        segment->count = (uint32_t)held;
    }
    return held > 0;
}

static int directory_compare(const void *left, const void *right) {
    const belay_ledger_segment *a = left;
    const belay_ledger_segment *b = right;
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->first != b->first) {
        return a->first < b->first ? -1 : 1;
    }
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Leaves out segments whose rows another one holds, so that no row is read twice. */
static void directory_disjoin(top_directory *directory, top_notes *notes) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < directory->count; i++) {
        const belay_ledger_segment *segment = &directory->segments[i];
        const belay_ledger_segment *last = &directory->segments[kept - (kept > 0)];
        if (kept > 0 && last->kind == segment->kind &&
                segment->first - last->first < last->count) {
            top_note_add(notes, TOP_NOTE_DAMAGE,
                    "two segments (%s) hold row %" PRIu32 "; the second is left out",
                    directory_words[segment->kind], segment->first);
            continue;
        }
        directory->segments[kept++] = *segment;
    }
    directory->count = kept;
}

void top_directory_read(top_directory *out_directory, const top_source *source,
        const belay_ledger_header *header, top_notes *notes) {
    belay_ledger_segment *segments = out_directory->segments;
    uint32_t count = header->directory_count;
    if (count > BELAY_LEDGER_DIRECTORY_MAX) {
        top_note_add(notes, TOP_NOTE_DAMAGE,
                "the directory claims %" PRIu32 " segments; %d are looked at", count,
                BELAY_LEDGER_DIRECTORY_MAX);
        count = BELAY_LEDGER_DIRECTORY_MAX;
    }
    size_t bytes = top_source_read(
            source, BELAY_LEDGER_HEADER_BYTES, segments, count * sizeof *segments);
    if (bytes < count * sizeof *segments) {
        top_note_add(notes, TOP_NOTE_DAMAGE,
                "the file is cut short within the directory, at %zu of %" PRIu32
                " segments",
                bytes / sizeof *segments, count);
        count = (uint32_t)(bytes / sizeof *segments);
    }
    /* The size after the directory: a program that grows meanwhile grows the file first.
     */
    uint64_t file_bytes = top_source_size(source);
    out_directory->count = 0;
    for (uint32_t entry = 0; entry < count; entry++) {
        belay_ledger_segment segment = segments[entry];
        if (segment.kind < TOP_KIND_COUNT &&
                directory_limits[segment.kind].row_bytes > 0 &&
                directory_check(&segment, entry, file_bytes, notes)) {
            segments[out_directory->count++] = segment;
        }
    }
    qsort(segments, out_directory->count, sizeof *segments, directory_compare);
    directory_disjoin(out_directory, notes);
}

/* Copies rows [0, count) of a segment to `rows`, without what a newer writer appended. */
static void directory_copy(const top_source *source, const belay_ledger_segment *segment,
        uint32_t count, size_t row_bytes, char *rows) {
    char chunk[DIRECTORY_CHUNK_BYTES];
    uint32_t step = DIRECTORY_CHUNK_BYTES / segment->stride;
    for (uint32_t row = 0; row < count; row += step) {
        uint32_t want = count - row < step ? count - row : step;
        size_t bytes =
                top_source_read(source, segment->offset + (uint64_t)row * segment->stride,
                        chunk, (size_t)want * segment->stride);
        uint32_t got = (uint32_t)(bytes / segment->stride);
        for (uint32_t i = 0; i < got; i++) {
            memcpy(rows + (row + i) * row_bytes, chunk + (size_t)i * segment->stride,
                    row_bytes);
        }
        if (got < want) {
            return;
        }
    }
}

void *top_directory_read_table(const top_directory *directory, const top_source *source,
        top_kind kind, size_t wanted, uint32_t *out_count, top_notes *notes) {
    size_t row_bytes = directory_limits[kind].row_bytes;
    uint32_t reach = 0;
    for (uint32_t i = 0; i < directory->count; i++) {
        const belay_ledger_segment *segment = &directory->segments[i];
        if (segment->kind == (uint32_t)kind) {
            reach = segment->first + segment->count;
        }
    }
    uint32_t count = reach < wanted ? reach : (uint32_t)wanted;
    char *rows = count > 0 ? calloc(count, row_bytes) : NULL;
    *out_count = rows ? count : 0;
    if (!rows) {
        if (count > 0) {
            top_note_add(notes, TOP_NOTE_DAMAGE,
                    "no memory for %" PRIu32 " rows (%s); left out", count,
                    directory_words[kind]);
        }
        return NULL;
    }
    for (uint32_t i = 0; i < directory->count; i++) {
        const belay_ledger_segment *segment = &directory->segments[i];
        if (segment->kind == (uint32_t)kind && segment->first < count) {
            uint32_t fits = count - segment->first;
            directory_copy(source, segment, segment->count < fits ? segment->count : fits,
                    row_bytes, rows + segment->first * row_bytes);
        }
    }
    return rows;
}
