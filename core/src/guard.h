/* SPDX-License-Identifier: MIT */
/* guard.h - keeps calls into a library from overlapping.
 *
 * A guard is a lock with an owner who may enter again. It lives in the cold record of an
 * index: the object's (exclusive), its root's (domain), or its type's (serial, see
 * type.h). It is never made or unmade: unlocked when nobody is in.
 *
 *   enter (waits, or not) -> call the library -> leave */
#ifndef BELAY__GUARD_H
#define BELAY__GUARD_H

#include "belay/status.h"

#include "table.h"
#include "type.h"

/* The number of the guard that covers an object of `type` at `index`, never 0: what
 * foreign waiters know it by. Read once an operation: the row may be another object's the
 * next time. */
uint32_t belay__guard_number(const belay__type *type, uint32_t index);
belay__cold *belay__guard_of(uint32_t number);

/* True if its calls are guarded at all. */
bool belay__guard_is_needed(const belay__type *type);

typedef enum belay__guard_wait {
    BELAY__GUARD_WAIT, /* sleep until it is free; WOULD_DEADLOCK past the limit if the
                          owner is a goroutine, which may be our own caller */
    BELAY__GUARD_NOTE, /* BUSY: a foreign waiter is noted, who will be told */
    BELAY__GUARD_PARK  /* BUSY: the claimed object `index` is left on the guard */
} belay__guard_wait;

belay_status belay__guard_enter(
        belay__cold *guard, uint64_t identity, belay__guard_wait wait, uint32_t index);

/* Leaves once. True: foreign waiters were noted, one of them is to be told now. */
bool belay__guard_leave(belay__cold *guard, uint64_t identity);

/* Tells a foreign waiter of the guard `number`, through the hook. */
void belay__guard_tell(uint32_t number);
void belay__guard_hook(void (*left)(uint32_t number));

bool belay__guard_is_mine(belay__cold *guard, uint64_t identity);
#endif
