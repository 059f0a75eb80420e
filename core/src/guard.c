/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <stddef.h>

#include "binding.h"
#include "fork.h"
#include "ledger.h"
#include "queue.h"

#define GUARD_LIMIT_MS 10000u
#define GUARD_SERIAL UINT32_C(0x80000000) /* a guard number that is a type id */

/* Waiting happens under the stripe of the guard; entering and leaving without a waiter is
 * one compare-and-swap each. */
typedef struct guard_stripe {
    belay__lock lock;
    belay__signal left;
} guard_stripe;

static guard_stripe guard_stripes[BELAY__STRIPES] = {
        BELAY__TIMES_STRIPES({BELAY__LOCK_INIT, BELAY__SIGNAL_INIT})};
static void (*guard_left)(uint32_t number) = NULL;
static belay__cold guard_of_type[BELAY_TYPE_MAX + 1] = {{0}};

uint32_t belay__guard_number(const belay__type *type, uint32_t index) {
    if (type->options.thread == BELAY_THREAD_SERIAL) {
        return GUARD_SERIAL | type->id;
    }
    return type->options.guard == BELAY_GUARD_DOMAIN
                   ? belay__get(&belay__table_slot(index)->root)
                   : index;
}

belay__cold *belay__guard_of(uint32_t number) {
    return number & GUARD_SERIAL ? &guard_of_type[number & ~GUARD_SERIAL]
                                 : belay__table_cold(number);
}

bool belay__guard_is_needed(const belay__type *type) {
    return type->options.guard != BELAY_GUARD_SHARED ||
           type->options.thread == BELAY_THREAD_SERIAL;
}

static guard_stripe *guard_stripe_of(const belay__cold *guard) {
    return &guard_stripes[(uintptr_t)guard / sizeof *guard % BELAY__STRIPES];
}

void belay__guard_hook(void (*left)(uint32_t number)) {
    belay__store(&guard_left, left);
}

void belay__guard_tell(uint32_t number) {
    void (*left)(uint32_t) = belay__load(&guard_left);
    if (left != NULL) {
        left(number);
    }
}

bool belay__guard_is_mine(belay__cold *guard, uint64_t identity) {
    return (belay__load(&guard->owner) & ~BELAY__IDENTITY_WAITED) == identity;
}

/* Takes the guard if it is free, keeping the mark that someone waits. Else, with mark
 * set, leaves the mark, so that the owner comes through the stripe when it leaves. */
static bool guard_try(belay__cold *guard, uint64_t identity, bool mark) {
    uint64_t seen = belay__load(&guard->owner);
    for (;;) {
        if ((seen & ~BELAY__IDENTITY_WAITED) == 0) {
            if (belay__cas(&guard->owner, &seen,
                        identity | (seen & BELAY__IDENTITY_WAITED))) {
                return true;
            }
        } else if (!mark || (seen & BELAY__IDENTITY_WAITED)) {
            return false;
        } else if (belay__cas(&guard->owner, &seen, seen | BELAY__IDENTITY_WAITED)) {
            return false;
        }
    }
}

/* Sleeps until the guard is ours. Under the stripe's lock. */
static belay_status guard_sleep(
        belay__cold *guard, guard_stripe *stripe, uint64_t identity) {
    uint64_t deadline = belay__now_ms() + GUARD_LIMIT_MS;
    while (!guard_try(guard, identity, true)) {
        bool is_foreign = belay__load(&guard->owner) & BELAY__IDENTITY_FOREIGN;
        if (!is_foreign) {
            belay__signal_wait(&stripe->left, &stripe->lock);
            deadline = belay__now_ms() + GUARD_LIMIT_MS;
        } else if (!belay__signal_wait_until(&stripe->left, &stripe->lock, deadline)) {
            return BELAY_WOULD_DEADLOCK;
        }
    }
    return BELAY_OK;
}

belay_status belay__guard_enter(
        belay__cold *guard, uint64_t identity, belay__guard_wait wait, uint32_t index) {
    if (belay__guard_is_mine(guard, identity)) {
        guard->depth++;
        return BELAY_OK;
    }
    uint64_t free = 0;
    if (belay__cas(&guard->owner, &free, identity)) {
        guard->depth = 1;
        return BELAY_OK;
    }
    belay_status status = BELAY_OK;
    guard_stripe *stripe = guard_stripe_of(guard);
    belay__lock_take(&stripe->lock);
    if (belay__identity_is_gone(belay__load(&guard->owner))) {
        status = BELAY_WOULD_DEADLOCK;
    } else if (wait == BELAY__GUARD_WAIT) {
        status = guard_sleep(guard, stripe, identity);
    } else if (!guard_try(guard, identity, true)) {
        status = BELAY_BUSY;
        if (wait == BELAY__GUARD_NOTE) {
            guard->foreign++;
        } else {
            belay__table_cold(index)->next = guard->pending;
            guard->pending = index;
        }
    }
    belay__lock_drop(&stripe->lock);
    if (status == BELAY_OK) {
        guard->depth = 1;
    }
    return status;
}

bool belay__guard_leave(belay__cold *guard, uint64_t identity) {
    if (--guard->depth > 0) {
        return false;
    }
    uint64_t mine = identity;
    if (belay__cas(&guard->owner, &mine, 0)) {
        return false;
    }
    /* Someone waits: who waits decides under the stripe's lock, so no wake-up is lost. */
    guard_stripe *stripe = guard_stripe_of(guard);
    belay__lock_take(&stripe->lock);
    bool is_foreign_told = guard->foreign > 0;
    if (is_foreign_told) {
        guard->foreign--;
    }
    uint32_t pending = guard->pending;
    guard->pending = 0;
    /* The mark stays while foreign waiters are noted; a thread that waits marks again. */
    belay__store(&guard->owner, guard->foreign > 0 ? BELAY__IDENTITY_WAITED : 0);
    belay__signal_wake(&stripe->left);
    belay__lock_drop(&stripe->lock);
    if (pending != 0) {
        belay__queue_resume(pending);
    }
    return is_foreign_told;
}

void belay__guard_fork(belay__fork_step step) {
    for (uint32_t i = 0; i < BELAY__STRIPES; i++) {
        belay__fork_lock(&guard_stripes[i].lock, step);
        belay__fork_signal(&guard_stripes[i].left, step);
    }
}
