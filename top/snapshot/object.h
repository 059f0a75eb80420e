/* SPDX-License-Identifier: MIT */
/* object.h - the objects that are open, read without stopping the program. */
#ifndef TOP_SNAPSHOT_OBJECT_H
#define TOP_SNAPSHOT_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/directory.h"

/* Where in its life an object is; docs/internals/handle.md. */
#define TOP_OBJECT_STATE_LIST(X)                                                         \
    X(IDLE, "idle")                                                                      \
    X(USED, "used")                                                                      \
    X(CLOSING, "closing")                                                                \
    X(WAITING, "waiting")                                                                \
    X(DYING, "dying")

#define TOP_OBJECT_STATE_ENUM(name, word) TOP_OBJECT_##name,

typedef enum top_object_state {
    TOP_OBJECT_STATE_LIST(TOP_OBJECT_STATE_ENUM) TOP_OBJECT_STATE_COUNT
} top_object_state;

typedef struct top_object {
    uint64_t handle;  /* generation (40) | index (24) */
    uint64_t pointer; /* to compare, not to use */
    uint64_t size_bytes;
    uint64_t parent;    /* handle, 0: none */
    uint32_t opened_ms; /* since the start, wraps */
    uint32_t age_ms;
    uint32_t type;
    uint32_t site;
    uint32_t bits;  /* flags and borrow count, the low 24 bits of the state word */
    bool is_orphan; /* the parent is not open any more */
} top_object;

typedef struct top_objects {
    top_object *items; /* ascending by row index */
    uint32_t count;
    uint32_t room;
    uint32_t changing; /* rows that changed at each look */
} top_objects;

/* Reads every open object. False: memory is short. */
bool top_objects_read(top_objects *out_objects, const top_source *source,
        const top_directory *directory);

void top_objects_fini(top_objects *objects);

top_object_state top_object_state_of(const top_object *object);

/* The word of a state; static. */
const char *top_object_state_word(top_object_state state);

/* A standing loan counts as one borrow: what it is used for is not in the ledger. */
static inline uint32_t top_object_borrows(const top_object *object) {
    return (uint32_t)(object->bits & BELAY_STATE_COUNT) +
           ((object->bits & BELAY_STATE_LENT) != 0);
}

static inline uint32_t top_handle_index(uint64_t handle) {
    return (uint32_t)(handle & ((UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT) - 1));
}

static inline uint64_t top_handle_generation(uint64_t handle) {
    return handle >> BELAY_STATE_GENERATION_SHIFT;
}

#endif
