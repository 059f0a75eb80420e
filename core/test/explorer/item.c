/* SPDX-License-Identifier: MIT */
/* item.c - objects that check how they are treated. */
#include "item.h"

#include "atomic.h"

item items[6];
int item_inside;
static int item_clock;

static void item_step(void) {
    belay__explore_point(__func__);
}

int item_destroy(void *context, void *object) {
    item *self = object;
    (void)context;
    require(self->lent == 0);
    require(self->children == 0);
    require(self->destroyed == 0);
    require(!self->is_dying);
    self->is_dying = true;
    item_step();
    require(self->lent == 0);
    require(self->children == 0);
    self->is_dying = false;
    if (self->refusals > 0) {
        self->refusals--;
        return 5;
    }
    self->destroyed++;
    self->order = ++item_clock;
    if (self->parent) {
        self->parent->children--;
    }
    return 0;
}

int item_destroy_alone(void *context, void *object) {
    require(item_inside == 0);
    item_inside++;
    int code = item_destroy(context, object);
    require(item_inside == 1);
    item_inside--;
    return code;
}

belay_type item_type(belay_type_options options) {
    belay_type type = {0};
    options.size = sizeof options;
    options.name = "item";
    options.destroy = options.destroy ? options.destroy : item_destroy;
    options.on_error = BELAY_ON_ERROR_KEPT;
    require(belay_type_create(&options, &type) == BELAY_OK);
    return type;
}

static void item_born(int place, int parent) {
    if (parent >= 0) {
        items[place].parent = &items[parent];
        items[parent].children++;
    }
}

void item_own(int place, belay_type type, int parent) {
    belay_own_options options = {.size = sizeof options};
    options.parent.bits = parent < 0 ? 0 : items[parent].handle.bits;
    require(belay_own(type, &items[place], &options, &items[place].handle) == BELAY_OK);
    item_born(place, parent);
}

void item_bind(int place, belay_type type, uint32_t index, int parent) {
    uint64_t above = parent < 0 ? 0 : items[parent].handle.bits;
    require(belay__bind_own(index, type.id, &items[place], 0, above, 0, 0,
                    &items[place].handle.bits) == BELAY_OK);
    item_born(place, parent);
}

bool item_use(int place) {
    item *self = &items[place];
    void *object = NULL;
    belay_status status = belay_borrow(self->handle, &object);
    if (status != BELAY_OK) {
        require(status == BELAY_CLOSED);
        return false;
    }
    require(object == self);
    self->lent++;
    require(self->destroyed == 0 && !self->is_dying);
    item_step();
    require(self->destroyed == 0 && !self->is_dying);
    self->lent--;
    require(belay_return(self->handle) == BELAY_OK);
    return true;
}

bool item_use_alone(int place) {
    item *self = &items[place];
    void *object = NULL;
    belay_status status = belay_borrow(self->handle, &object);
    if (status != BELAY_OK) {
        require(status == BELAY_CLOSED);
        return false;
    }
    require(object == self);
    require(item_inside == 0);
    item_inside++;
    self->lent++;
    item_step();
    require(item_inside == 1);
    item_inside--;
    self->lent--;
    require(belay_return(self->handle) == BELAY_OK);
    return true;
}

belay_status item_close(int place, belay_status allowed) {
    belay_status status = belay_close(items[place].handle, NULL);
    require(status == BELAY_OK || status == allowed);
    return status;
}

void item_require_gone(int count) {
    belay_stats stats;
    while (belay__queue_run()) {
    }
    for (int i = 0; i < count; i++) {
        void *object = NULL;
        require(items[i].destroyed == 1);
        require(items[i].lent == 0);
        require(belay_borrow(items[i].handle, &object) == BELAY_CLOSED);
    }
    for (int i = count; i < 6; i++) {
        require(items[i].destroyed == 0);
    }
    belay_type_stats((belay_type){0}, &stats);
    require(stats.live == 0);
    require(stats.opened == stats.closed + stats.rescued + stats.disowned);
    require(item_inside == 0);
    require(belay_drain(0) == BELAY_OK);
}
