/* SPDX-License-Identifier: MIT */
/* item.h - the objects of the scenarios: each checks, at every step, that it is destroyed
 * once, never while lent, and after its children. */
#ifndef BELAY_TEST_ITEM_H
#define BELAY_TEST_ITEM_H

#include "belay/belay.h"

#include "binding.h"
#include "explorer.h"
#include "queue.h"

typedef struct item {
    struct item *parent;
    belay_handle handle;
    int lent;      /* borrows that the threads have */
    int children;  /* not gone yet */
    int destroyed; /* for good */
    int refusals;  /* left to give */
    int order;
    bool is_dying; /* in its destructor */
} item;

extern item items[6];

/* Objects of one guarded library: nobody else may be inside. */
extern int item_inside;

/* The destructor: 5 when it refuses, which keeps the object. */
int item_destroy(void *context, void *object);

/* The same, of a library that takes one call at a time. */
int item_destroy_alone(void *context, void *object);

belay_type item_type(belay_type_options options);

/* Owns items[place], below items[parent] unless that is negative; for setups. */
void item_own(int place, belay_type type, int parent);

/* The same in a binding's slot. */
void item_bind(int place, belay_type type, uint32_t index, int parent);

/* Borrows, looks, returns; fine too if it is closed. Returns whether it was lent. */
bool item_use(int place);

/* The same, requiring that nobody else is in the library. */
bool item_use_alone(int place);

/* Closes; `allowed` is one more status that is fine besides OK. */
belay_status item_close(int place, belay_status allowed);

/* Requires that exactly the first `count` items are gone and nothing is left. */
void item_require_gone(int count);

#endif
