/* SPDX-License-Identifier: MIT */
/* steps.h - what threads of scenarios do to items 0 to 2, and plain ends of schedules. */
#ifndef BELAY_TEST_STEPS_H
#define BELAY_TEST_STEPS_H

#include "item.h"

static inline void gone_1(void) {
    item_require_gone(1);
}

static inline void gone_2(void) {
    item_require_gone(2);
}

static inline void gone_3(void) {
    item_require_gone(3);
}

static inline void use_0(void) {
    item_use(0);
}

static inline void use_1(void) {
    item_use(1);
}

static inline void close_0(void) {
    item_close(0, BELAY_OK);
}

static inline void close_1(void) {
    item_close(1, BELAY_OK);
}

static inline void close_2(void) {
    item_close(2, BELAY_OK);
}

/* A borrow that setup took is given back by a thread. */
static inline void setup_borrow(int place) {
    void *object = NULL;
    require(belay_borrow(items[place].handle, &object) == BELAY_OK);
    items[place].lent++;
}

static inline void give_back(int place) {
    items[place].lent--;
    require(belay_return(items[place].handle) == BELAY_OK);
}

static inline void return_0(void) {
    give_back(0);
}

static inline void return_1(void) {
    give_back(1);
}

static inline void return_2(void) {
    give_back(2);
}

/* close_wait hears the end, whoever brings it about. */
static inline void close_wait_0(void) {
    require(belay_close_wait(items[0].handle, UINT64_MAX, NULL) == BELAY_OK);
    require(items[0].destroyed == 1);
}

static inline void use_alone_0(void) {
    item_use_alone(0);
}

static inline void use_alone_1(void) {
    item_use_alone(1);
}

#endif
