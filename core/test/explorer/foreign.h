/* SPDX-License-Identifier: MIT */
/* foreign.h - foreign waiters, as goroutines are: who finds a guard taken is told when it
 * was left, and tries again. A word that is lost leaves one waiting for ever, which the
 * explorer sees. */
#ifndef BELAY_TEST_FOREIGN_H
#define BELAY_TEST_FOREIGN_H

/* For setups: sets the hook. */
void foreign_begin(void);

/* Borrows items[place], waiting for its guard, and returns it; fine too if it is closed.
 */
void foreign_use(int place);

#endif
