/* SPDX-License-Identifier: MIT */
/* recorder.h - what happens to an allocation that the hooks look at closely.
 *
 *   start (once) -> allocated/freed (any thread) -> stop (in a forked child)
 *
 * Never fails towards the program: what can't be recorded is counted as a loss. */
#ifndef BELAY_PROF_RECORDER_H
#define BELAY_PROF_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "extents.h"
#include "walk.h"

/* Begins to record into prof__area, every `period_bytes` on average, or all for 1. */
void prof__recorder_start(uint64_t period_bytes);

/* Waits for a start that may come later; each thread looks again after each MiB. */
void prof__recorder_wait(void);

/* Records nothing from now on; the hooks become almost free. */
void prof__recorder_stop(void);

/* Notes a new block, if a sample is due. Called by a hook that found size >= left. */
void prof__recorder_allocated(const void *block, size_t size, const prof_origin *origin);

/* What a call of mmap, mremap or munmap has done; 0 bytes: not that. */
typedef struct prof_remap {
    prof_pages gone, fresh;
    uint64_t newest;  /* prof__extents_newest before the call */
    bool is_followed; /* `fresh` is memory of the program's own, not a file's */
} prof_remap;

/* True when `address` is in a mapping that is followed. */
bool prof__recorder_follows(const void *address);

/* Notes what has become of the mappings. What is fresh counts as an allocation if it is
 * followed and of at least `minimum` bytes, unless the Go runtime made it for its own
 * heap. `origin` may be NULL when nothing is fresh. */
void prof__recorder_remapped(
        const prof_remap *remap, size_t minimum, const prof_origin *origin);

/* Notes that a block is about to be freed. Returns 0 when it was not known; else what
 * prof__recorder_restore needs. */
uint64_t prof__recorder_freed(const void *block);

/* Takes prof__recorder_freed back: realloc failed, the block lives on. */
void prof__recorder_restore(const void *block, uint64_t value);

#endif
