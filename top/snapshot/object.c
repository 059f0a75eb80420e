/* SPDX-License-Identifier: MIT */
/* object.c - the objects that are open, read without stopping the program.
 *
 * A read() has no order among the bytes it copies, so a state word and its row may be of
 * different moments. Each stretch of rows is read twice: a row is good when both copies
 * show the same generation, live, and the same of all that does not change while an
 * object lives. The second copy of such a row was whole, because the first one proves it
 * was filled before. Rows that differ are looked at again, a few times; what never holds
 * still is only counted. */
#include "snapshot/object.h"

#include <stdlib.h>
#include <string.h>

#define OBJECT_CHUNK_BYTES (64 * 1024)
#define OBJECT_LOOKS_MAX 4

#define OBJECT_STATE_WORD(name, word) word,
static const char *const object_state_words[] = {
        TOP_OBJECT_STATE_LIST(OBJECT_STATE_WORD)};

/* Where rows are read from, and where objects go. */
typedef struct object_reader {
    top_objects *objects;
    const top_source *source;
    const belay_ledger_segment *segment;
} object_reader;

static bool object_is_same(const belay_ledger_row *a, const belay_ledger_row *b) {
    return ((a->state ^ b->state) >> BELAY_STATE_GENERATION_SHIFT) == 0 &&
           (a->state & b->state & BELAY_STATE_LIVE) && a->object == b->object &&
           a->opened_ms == b->opened_ms && a->type == b->type && a->site == b->site &&
           a->parent == b->parent;
}

static bool object_add(
        top_objects *objects, uint32_t index, const belay_ledger_row *row) {
    if (objects->count == objects->room) {
        uint32_t room = objects->room < 512 ? 1024 : objects->room + objects->room / 2;
        top_object *items = realloc(objects->items, room * sizeof *items);
        if (!items) {
            return false;
        }
        objects->items = items;
        objects->room = room;
    }
    uint64_t generation = row->state >> BELAY_STATE_GENERATION_SHIFT;
    objects->items[objects->count++] = (top_object){
            .handle = generation << BELAY_STATE_GENERATION_SHIFT | index,
            .pointer = row->object,
            .size_bytes = row->size_bytes,
            .parent = row->parent,
            .opened_ms = row->opened_ms,
            .type = row->type,
            .site = row->site,
            .bits = (uint32_t)(row->state &
                               ((UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT) - 1)),
    };
    return true;
}

/* Reads `count` rows from `row` of the segment. Returns how many there were. */
static uint32_t object_fetch(
        const object_reader *reader, uint32_t row, uint32_t count, char *out_bytes) {
    uint32_t stride = reader->segment->stride;
    return (uint32_t)(top_source_read(reader->source,
                              reader->segment->offset + (uint64_t)row * stride, out_bytes,
                              (size_t)count * stride) /
                      stride);
}

/* Looks at one row until two looks agree. False: memory is short. */
static bool object_look(const object_reader *reader, uint32_t row,
        belay_ledger_row before, char *scratch) {
    for (int look = 0; look < OBJECT_LOOKS_MAX; look++) {
        belay_ledger_row now;
        if (object_fetch(reader, row, 1, scratch) == 0) {
            return true;
        }
        memcpy(&now, scratch, sizeof now);
        if (!(now.state & BELAY_STATE_LIVE)) {
            return true;
        }
        if (object_is_same(&before, &now)) {
            return object_add(reader->objects, reader->segment->first + row, &now);
        }
        before = now;
    }
    reader->objects->changing++;
    return true;
}

static bool object_is_any_live(const char *bytes, uint32_t count, uint32_t stride) {
    for (uint32_t i = 0; i < count; i++) {
        uint64_t state;
        memcpy(&state, bytes + (size_t)i * stride, sizeof state);
        if (state & BELAY_STATE_LIVE) {
            return true;
        }
    }
    return false;
}

static bool object_read_segment(const object_reader *reader) {
    char first[OBJECT_CHUNK_BYTES];
    char second[OBJECT_CHUNK_BYTES];
    uint32_t stride = reader->segment->stride;
    uint32_t step = OBJECT_CHUNK_BYTES / stride;
    for (uint32_t row = 0; row < reader->segment->count; row += step) {
        uint32_t left = reader->segment->count - row;
        uint32_t count = object_fetch(reader, row, left < step ? left : step, first);
        if (!object_is_any_live(first, count, stride)) {
            continue;
        }
        count = object_fetch(reader, row, count, second);
        for (uint32_t i = 0; i < count; i++) {
            belay_ledger_row a;
            belay_ledger_row b;
            memcpy(&a, first + (size_t)i * stride, sizeof a);
            memcpy(&b, second + (size_t)i * stride, sizeof b);
            bool is_kept = true;
            if (object_is_same(&a, &b)) {
                is_kept =
                        object_add(reader->objects, reader->segment->first + row + i, &b);
            } else if (b.state & BELAY_STATE_LIVE) {
                is_kept = object_look(reader, row + i, b, first + (size_t)i * stride);
            }
            if (!is_kept) {
                return false;
            }
        }
    }
    return true;
}

static const top_object *object_find(const top_objects *objects, uint64_t handle) {
    uint32_t low = 0;
    uint32_t high = objects->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (top_handle_index(objects->items[middle].handle) < top_handle_index(handle)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < objects->count && objects->items[low].handle == handle
                   ? &objects->items[low]
                   : NULL;
}

bool top_objects_read(top_objects *out_objects, const top_source *source,
        const top_directory *directory) {
    *out_objects = (top_objects){0};
    for (uint32_t i = 0; i < directory->count; i++) {
        object_reader reader = {out_objects, source, &directory->segments[i]};
        if (reader.segment->kind == TOP_KIND_ROWS && !object_read_segment(&reader)) {
            top_objects_fini(out_objects);
            return false;
        }
    }
    for (uint32_t i = 0; i < out_objects->count; i++) {
        top_object *object = &out_objects->items[i];
        object->is_orphan =
                object->parent != 0 && !object_find(out_objects, object->parent);
    }
    return true;
}

void top_objects_fini(top_objects *objects) {
    free(objects->items);
    *objects = (top_objects){0};
}

top_object_state top_object_state_of(const top_object *object) {
    bool is_borrowed = top_object_borrows(object) > 0;
    if (object->bits & BELAY_STATE_DYING) {
        return TOP_OBJECT_DYING;
    }
    if (object->bits & BELAY_STATE_CLOSED) {
        return is_borrowed ? TOP_OBJECT_CLOSING : TOP_OBJECT_WAITING;
    }
    return is_borrowed ? TOP_OBJECT_USED : TOP_OBJECT_IDLE;
}

const char *top_object_state_word(top_object_state state) {
    return object_state_words[state];
}
