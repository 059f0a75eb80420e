/* SPDX-License-Identifier: MIT */
/* process.h - the start and the end.
 *
 *   (first use) -> ... -> belay_drain -> belay_shutdown
 *
 * A child of fork() that does not exec gets a private copy of the ledger and can use
 * everything: a fork waits until no thread holds a lock of Belay. Fork from a destructor
 * or a sink if you like, but not from a signal handler. Of the parent's other threads the
 * child has only what they left: what they were destroying stays as it is and is held at
 * a shutdown, their borrows never end, BELAY_WOULD_DEADLOCK says that they hold the
 * guard, and what they opened or closed during the fork may be closed. Go does not run
 * there.
 *
 * Nothing must be called to start. Nothing runs by itself at exit: a Go program leaves
 * without it, so the end is a call. Every function is safe to call from any thread. */
#ifndef BELAY_PROCESS_H
#define BELAY_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "belay/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Waits until nothing that the net has found waits to be destroyed. Not from a
 * destructor. Errors: BELAY_TIMED_OUT. */
BELAY_API belay_status belay_drain(uint64_t timeout_ms);

typedef struct belay_remains {
    uint64_t leaked; /* objects closed here that the program had left open */
    uint64_t held;   /* objects still there: borrowed, refused, or bound to a thread */
} belay_remains;

/* Ends: drains the net, closes every object that is still open (children first) and
 * reports each as a leak, waits for borrows until the deadline, reports what is still
 * held and since when, flushes the reports. The table stays usable: an object opened
 * later starts anew. out_remains may be NULL.
 *
 * Errors: BELAY_TIMED_OUT - something is still held. */
BELAY_API belay_status belay_shutdown(uint64_t timeout_ms, belay_remains *out_remains);

/* The path or name of the ledger, static: a file, "memfd:belay-ledger", or "private". */
BELAY_API const char *belay_ledger_name(void);

#ifdef __cplusplus
}
#endif

#endif
