/* SPDX-License-Identifier: MIT */
#include "foreign.h"

#include "item.h"

static belay__lock word_lock = BELAY__LOCK_INIT;
static belay__signal word_signal = BELAY__SIGNAL_INIT;
static int words[2 * BELAY__GROUP_SLOTS]; /* not taken yet, by the guard's number */

static int *word_of(uint32_t guard) {
    return &words[guard % (2 * BELAY__GROUP_SLOTS)];
}

static void word_add(uint32_t guard) {
    belay__lock_take(&word_lock);
    ++*word_of(guard);
    belay__signal_wake(&word_signal);
    belay__lock_drop(&word_lock);
}

void foreign_begin(void) {
    belay__bind_hooks(&(belay__hooks){.guard_left = word_add});
}

void foreign_use(int place) {
    uint64_t identity = ((uint64_t)place + 1) << 32 | BELAY__IDENTITY_FOREIGN;
    void *object = NULL;
    uint32_t guard = 0;
    uint32_t waited = 0;
    belay_status status = BELAY_BUSY;
    while ((status = belay__bind_borrow(items[place].handle.bits, identity, 0, &object,
                    &guard)) == BELAY_BUSY) {
        belay__lock_take(&word_lock);
        while (*word_of(guard) == 0) {
            belay__signal_wait(&word_signal, &word_lock);
        }
        --*word_of(guard);
        belay__lock_drop(&word_lock);
        waited = guard;
    }
    if (status == BELAY_OK) {
        status = belay__bind_return(items[place].handle.bits, identity, 0, &guard);
        require(status == BELAY_OK);
        waited = guard;
    } else {
        require(status == BELAY_CLOSED);
    }
    if (waited != 0) {
        word_add(waited);
    }
}
