/* SPDX-License-Identifier: MIT */
/* model.h - the protocol of docs/internals/handle.md again, in the plainest way: one
 * thread, no atomics, lists that are searched. What it says is what the core must do. */
#ifndef BELAY_TEST_MODEL_H
#define BELAY_TEST_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "belay/belay.h"

#define MODEL_OBJECTS 12
#define MODEL_TYPES 10
#define MODEL_LOG 4096
#define MODEL_CODE 7 /* of a destructor that refuses or fails */

typedef struct model_type {
    const char *name;
    belay_on_error on_error;
    belay_guard guard;
    belay_thread thread;
    belay_net net;
    belay_children children;
} model_type;

extern const model_type model_types[MODEL_TYPES];

typedef struct model_object {
    bool is_live, is_closed, is_dying, is_netted;
    int type;
    int parent; /* -1: none */
    int borrows;
    uint32_t slot; /* of a dead net */
    int bad_codes; /* destructor calls that still give MODEL_CODE */
    uint64_t bytes;
    int ring[MODEL_OBJECTS]; /* children, as the cascade goes through them */
    int ring_count;
} model_object;

typedef struct model_counts {
    uint64_t opened, closed, rescued, disowned, refused, failed, live, bytes;
} model_counts;

typedef struct model_list {
    int places[MODEL_OBJECTS];
    int count;
} model_list;

typedef struct model {
    model_object objects[MODEL_OBJECTS];
    model_counts counts[MODEL_TYPES];
    int log[MODEL_LOG]; /* destructor calls, by place */
    int log_count;
    model_list queue;   /* nets that died, first the lowest slot */
    model_list pending; /* claimed, parked on a guard, first the newest */
    model_list resumed; /* claimed, whose guard was left, first the newest */
    model_list pump;    /* claimed, for the pump, first the oldest */
    bool is_pumping;
    bool is_worker; /* the operation runs on the other thread */
    /* of the object that a close asked for */
    int top;
    bool is_known;
    belay_status status;
    int code;
} model;

void model_start(model *self);

belay_status model_own(model *self, int place, int type, int parent, uint64_t bytes);
belay_status model_borrow(model *self, int place);
belay_status model_return(model *self, int place);
belay_status model_close(model *self, int place, int *out_code);
belay_status model_close_wait(model *self, int place, int *out_code);
belay_status model_disown(model *self, int place);
belay_status model_resize(model *self, int place, uint64_t bytes);
void model_forget(model *self, int place, uint32_t slot); /* its net died */
void model_run(model *self); /* the worker takes what is queued */
int model_pump(model *self);

#endif
