/* SPDX-License-Identifier: MIT */
/* fork.h - what a fork without exec does to the core.
 *
 * Before it, the forking thread takes every lock, so that nothing under one is half done
 * in the child, where only that thread goes on; after it, both sides give them back. No
 * lock is held while anything of the user's runs, so destructors and sinks may fork. */
#ifndef BELAY__FORK_H
#define BELAY__FORK_H

#include "lock.h"

typedef enum belay__fork_step {
    BELAY__FORK_BEFORE,
    BELAY__FORK_PARENT,
    BELAY__FORK_CHILD
} belay__fork_step;

/* The handlers, for belay__process_at_fork. */
void belay__fork_before(void);
void belay__fork_parent(void);
void belay__fork_child(void);

/* A lock's part of a step. */
static inline void belay__fork_lock(belay__lock *lock, belay__fork_step step) {
    if (step == BELAY__FORK_BEFORE) {
        belay__lock_take(lock);
    } else {
        belay__lock_drop(lock);
    }
}

/* A signal's: in the child nobody waits any more, though it may count who did, and a C
 * library would wait for them to go before the second wake-up. */
static inline void belay__fork_signal(belay__signal *signal, belay__fork_step step) {
    if (step == BELAY__FORK_CHILD) {
        *signal = (belay__signal)BELAY__SIGNAL_INIT;
    }
}

/* Each file's part: its locks, and what the child makes of what other threads left. */
void belay__account_fork(belay__fork_step step);
void belay__address_fork(belay__fork_step step);
void belay__binding_fork(belay__fork_step step);
void belay__family_fork(belay__fork_step step);
void belay__guard_fork(belay__fork_step step);
void belay__ledger_fork(belay__fork_step step);
void belay__lender_fork(belay__fork_step step);
void belay__process_fork(belay__fork_step step);
void belay__queue_fork(belay__fork_step step);
void belay__report_fork(belay__fork_step step);
void belay__rescue_fork(belay__fork_step step);
void belay__site_fork(belay__fork_step step);
void belay__start_fork(belay__fork_step step);
void belay__table_fork(belay__fork_step step);
void belay__type_fork(belay__fork_step step);
void belay__watch_fork(belay__fork_step step);

#endif
