/* SPDX-License-Identifier: MIT */
/* queue.h - what the net found, and the worker that destroys it.
 *
 *   dead net -> push (sets bits; never fails, never waits) -> worker: close, destroy
 */
#ifndef BELAY__QUEUE_H
#define BELAY__QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/* The net of these slots, 1 or all 64 of a group, is dead. */
void belay__queue_push(uint32_t first, uint32_t count);

/* Claimed objects (linked by cold.next) whose guard became free. */
void belay__queue_resume(uint32_t first);

/* Handles everything that is there now, on this thread. Returns false if nothing was. */
bool belay__queue_run(void);

/* A claimed object is about to be parked on a guard; it was not. */
void belay__queue_hold(void);
void belay__queue_unhold(void);

/* Waits until nothing is queued or in work. False: the deadline passed. */
bool belay__queue_wait(uint64_t deadline_ms);

/* The coarse clock for Go: milliseconds since the start, 0 while it sleeps. */
uint64_t *belay__queue_clock(void);
uint64_t belay__queue_clock_wake(void);
void belay__queue_clock_sleep(void);

#endif
