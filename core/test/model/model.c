/* SPDX-License-Identifier: MIT */
/* model.c - the protocol in the plainest way. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

const model_type model_types[MODEL_TYPES] = {
        {.name = "kept", .on_error = BELAY_ON_ERROR_KEPT},
        {.name = "gone", .on_error = BELAY_ON_ERROR_GONE},
        {.name = "ignore", .on_error = BELAY_ON_ERROR_IGNORE},
        {.name = "hold",
                .on_error = BELAY_ON_ERROR_KEPT,
                .children = BELAY_CHILDREN_HOLD},
        {.name = "exclusive",
                .on_error = BELAY_ON_ERROR_KEPT,
                .guard = BELAY_GUARD_EXCLUSIVE},
        {.name = "domain", .on_error = BELAY_ON_ERROR_KEPT, .guard = BELAY_GUARD_DOMAIN},
        {.name = "domain hold",
                .on_error = BELAY_ON_ERROR_GONE,
                .guard = BELAY_GUARD_DOMAIN,
                .children = BELAY_CHILDREN_HOLD},
        {.name = "serial",
                .on_error = BELAY_ON_ERROR_KEPT,
                .thread = BELAY_THREAD_SERIAL},
        {.name = "pumped",
                .on_error = BELAY_ON_ERROR_KEPT,
                .thread = BELAY_THREAD_PUMPED},
        {.name = "report", .on_error = BELAY_ON_ERROR_KEPT, .net = BELAY_NET_REPORT},
};

typedef enum model_outcome { NOTHING, GONE, OPEN, MOVED } model_outcome;

static void list_push(model_list *list, int place) {
    memmove(list->places + 1, list->places, (size_t)list->count * sizeof(int));
    list->places[0] = place;
    list->count++;
}

static int list_pop(model_list *list) {
    int place = list->places[0];
    list->count--;
    memmove(list->places, list->places + 1, (size_t)list->count * sizeof(int));
    return place;
}

static void ring_remove(model_object *parent, int place) {
    for (int i = 0; i < parent->ring_count; i++) {
        if (parent->ring[i] == place) {
            parent->ring_count--;
            memmove(parent->ring + i, parent->ring + i + 1,
                    (size_t)(parent->ring_count - i) * sizeof(int));
            return;
        }
    }
    abort();
}

static void ring_add(model_object *parent, int place) {
    memmove(parent->ring + 1, parent->ring, (size_t)parent->ring_count * sizeof(int));
    parent->ring[0] = place;
    parent->ring_count++;
}

static const model_type *type_of(const model *self, int place) {
    return &model_types[self->objects[place].type];
}

/* Which guard covers an object; -1: none. */
static int guard_of(const model *self, int place) {
    const model_type *type = type_of(self, place);
    if (type->thread == BELAY_THREAD_SERIAL) {
        return MODEL_OBJECTS + self->objects[place].type;
    }
    if (type->guard == BELAY_GUARD_SHARED) {
        return -1;
    }
    while (type->guard == BELAY_GUARD_DOMAIN && self->objects[place].parent >= 0) {
        place = self->objects[place].parent;
    }
    return place;
}

/* True if the main thread is inside the guard. */
static bool guard_is_held(const model *self, int guard) {
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        const model_object *object = &self->objects[i];
        if (object->is_live && object->borrows > 0 && guard >= 0 &&
                guard_of(self, i) == guard) {
            return true;
        }
    }
    return false;
}

static void known(model *self, int place, belay_status status, int code) {
    if (place == self->top) {
        self->is_known = true;
        self->status = status;
        self->code = code;
    }
}

static void reopen(model *self, int place) {
    model_object *object = &self->objects[place];
    object->is_closed = object->is_dying = object->is_netted = false;
    self->counts[object->type].refused++;
    if (object->parent >= 0) {
        /* The cascade takes it as the newest again. */
        ring_remove(&self->objects[object->parent], place);
        ring_add(&self->objects[object->parent], place);
    }
    known(self, place, BELAY_REFUSED, MODEL_CODE);
}

/* A child stays: the parents that had asked it to go are open again. */
static void reopen_parents(model *self, int place) {
    for (;;) {
        model_object *object = place < 0 ? NULL : &self->objects[place];
        if (object == NULL || !object->is_closed || object->is_dying ||
                object->borrows > 0 ||
                type_of(self, place)->children == BELAY_CHILDREN_HOLD) {
            return;
        }
        reopen(self, place);
        place = object->parent;
    }
}

/* Frees a place; counts. */
static void leave(model *self, int place) {
    model_object *object = &self->objects[place];
    self->counts[object->type].live--;
    self->counts[object->type].bytes -= object->bytes;
    if (object->parent >= 0) {
        ring_remove(&self->objects[object->parent], place);
    }
    object->is_live = false;
}

/* The destructor of a claimed object, and what its code means. */
static model_outcome destroy(model *self, int place) {
    model_object *object = &self->objects[place];
    const model_type *type = type_of(self, place);
    if (type->thread == BELAY_THREAD_PUMPED && !self->is_pumping) {
        self->pump.places[self->pump.count++] = place;
        return MOVED;
    }
    if (self->is_worker && guard_is_held(self, guard_of(self, place))) {
        list_push(&self->pending, place);
        return MOVED;
    }
    int code = object->bad_codes > 0 ? MODEL_CODE : 0;
    object->bad_codes -= object->bad_codes > 0;
    self->log[self->log_count++] = place;
    if (code != 0 && type->on_error == BELAY_ON_ERROR_KEPT) {
        reopen(self, place);
        return OPEN;
    }
    bool is_failed = code != 0 && type->on_error == BELAY_ON_ERROR_GONE;
    self->counts[object->type].failed += is_failed;
    if (object->is_netted) {
        self->counts[object->type].rescued++;
    } else {
        self->counts[object->type].closed++;
    }
    leave(self, place);
    known(self, place, is_failed ? BELAY_DESTROY_FAILED : BELAY_OK, code);
    return GONE;
}

/* Ends a closed object that nothing uses: its children first. */
static model_outcome end(model *self, int place) {
    model_object *object = &self->objects[place];
    if (!object->is_live || !object->is_closed || object->is_dying ||
            object->borrows > 0) {
        return NOTHING;
    }
    while (object->ring_count > 0 &&
            type_of(self, place)->children == BELAY_CHILDREN_CASCADE) {
        int newest = -1;
        for (int i = object->ring_count - 1; i >= 0; i--) {
            newest = self->objects[object->ring[i]].is_closed ? newest : object->ring[i];
        }
        if (newest < 0) {
            break;
        }
        self->objects[newest].is_closed = true;
        self->objects[newest].is_netted = object->is_netted;
        if (end(self, newest) == OPEN) {
            reopen_parents(self, place);
            return OPEN;
        }
    }
    if (object->ring_count > 0) {
        return NOTHING;
    }
    object->is_dying = true;
    return destroy(self, place);
}

/* What follows when an object is gone: a parent that waited. */
static void go_on(model *self, int parent) {
    while (parent >= 0) {
        int next = self->objects[parent].parent;
        model_outcome outcome = end(self, parent);
        if (outcome == OPEN) {
            reopen_parents(self, next);
        }
        if (outcome != GONE) {
            return;
        }
        parent = next;
    }
}

/* Ends an object and what waited for it. */
static void end_all(model *self, int place) {
    int parent = self->objects[place].parent;
    model_outcome outcome = end(self, place);
    if (outcome == GONE) {
        go_on(self, parent);
    } else if (outcome == OPEN) {
        reopen_parents(self, parent);
    }
}

static void end_claimed(model *self, int place) {
    int parent = self->objects[place].parent;
    model_outcome outcome = destroy(self, place);
    if (outcome == GONE) {
        go_on(self, parent);
    } else if (outcome == OPEN) {
        reopen_parents(self, parent);
    }
}

void model_start(model *self) {
    memset(self, 0, sizeof *self);
    self->top = -1;
}

belay_status model_own(model *self, int place, int type, int parent, uint64_t bytes) {
    model_object *object = &self->objects[place];
    if (parent >= 0) {
        const model_object *above = &self->objects[parent];
        if (!above->is_live || above->is_dying ||
                (above->is_closed && above->borrows == 0)) {
            return BELAY_CLOSED;
        }
    }
    memset(object, 0, sizeof *object);
    object->is_live = true;
    object->type = type;
    object->parent = parent;
    object->bytes = bytes;
    if (parent >= 0) {
        ring_add(&self->objects[parent], place);
    }
    self->counts[type].opened++;
    self->counts[type].live++;
    self->counts[type].bytes += bytes;
    return BELAY_OK;
}

belay_status model_borrow(model *self, int place) {
    model_object *object = &self->objects[place];
    if (!object->is_live || object->is_closed) {
        return BELAY_CLOSED;
    }
    object->borrows++;
    return BELAY_OK;
}

belay_status model_return(model *self, int place) {
    model_object *object = &self->objects[place];
    if (!object->is_live || object->borrows == 0) {
        return BELAY_NOT_BORROWED;
    }
    int guard = guard_of(self, place);
    self->top = -1;
    if (--object->borrows == 0 && object->is_closed) {
        end_all(self, place);
    }
    if (guard >= 0 && !guard_is_held(self, guard)) {
        model_list left = {{0}, 0};
        for (int i = self->pending.count - 1; i >= 0; i--) {
            int parked = self->pending.places[i];
            list_push(guard_of(self, parked) == guard ? &self->resumed : &left, parked);
        }
        self->pending = left;
    }
    return BELAY_OK;
}

belay_status model_close(model *self, int place, int *out_code) {
    model_object *object = &self->objects[place];
    self->is_known = !object->is_live;
    if (!object->is_live || object->is_closed) {
        return BELAY_OK;
    }
    self->top = place;
    object->is_closed = true;
    end_all(self, place);
    self->top = -1;
    if (!self->is_known) {
        return BELAY_OK;
    }
    *out_code = self->code;
    return self->status;
}

/* With no time to wait. */
belay_status model_close_wait(model *self, int place, int *out_code) {
    belay_status status = model_close(self, place, out_code);
    if (self->is_known) {
        return status;
    }
    return guard_is_held(self, guard_of(self, place)) ? BELAY_WOULD_DEADLOCK
                                                      : BELAY_TIMED_OUT;
}

belay_status model_disown(model *self, int place) {
    model_object *object = &self->objects[place];
    if (!object->is_live || object->is_closed) {
        return BELAY_CLOSED;
    }
    if (object->borrows > 0 || object->ring_count > 0) {
        return BELAY_BUSY;
    }
    self->top = -1;
    self->counts[object->type].disowned++;
    leave(self, place);
    go_on(self, object->parent);
    return BELAY_OK;
}

belay_status model_resize(model *self, int place, uint64_t bytes) {
    model_object *object = &self->objects[place];
    if (!object->is_live || object->is_closed) {
        return BELAY_CLOSED;
    }
    self->counts[object->type].bytes += bytes - object->bytes;
    object->bytes = bytes;
    return BELAY_OK;
}

void model_forget(model *self, int place, uint32_t slot) {
    model_list *queue = &self->queue;
    self->objects[place].slot = slot;
    int at = queue->count++;
    for (; at > 0 && self->objects[queue->places[at - 1]].slot > slot; at--) {
        queue->places[at] = queue->places[at - 1];
    }
    queue->places[at] = place;
}

void model_run(model *self) {
    self->is_worker = true;
    self->top = -1;
    while (self->resumed.count > 0) {
        end_claimed(self, list_pop(&self->resumed));
    }
    while (self->queue.count > 0) {
        int place = list_pop(&self->queue);
        model_object *object = &self->objects[place];
        if (object->is_live && !object->is_closed &&
                type_of(self, place)->net == BELAY_NET_DESTROY) {
            object->is_closed = object->is_netted = true;
            end_all(self, place);
        }
    }
    self->is_worker = false;
}

int model_pump(model *self) {
    int count = 0;
    self->is_pumping = true;
    self->top = -1;
    for (; self->pump.count > 0; count++) {
        end_claimed(self, list_pop(&self->pump));
    }
    self->is_pumping = false;
    return count;
}
