/* SPDX-License-Identifier: MIT */
/* walk.h - from an allocation to the stack it came from, C and Go frames in one list.
 *
 * Never allocates, takes no lock, calls no Go, reads only the calling thread's stack and
 * the stacks of the goroutines that are waiting in C calls below it. */
#ifndef BELAY_PROF_WALK_H
#define BELAY_PROF_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "arch.h"
#include "modules.h"
#include "threads.h"

/* Where a hook was called from: the registers after its return. */
typedef struct prof_origin {
    uint64_t pc, sp, bp;
} prof_origin;

/* The long way of prof__walk_stack: walks, and leaves what it found in `memo`. */
void prof__walk_afresh(prof_thread *thread, prof_memo *memo, const prof_origin *origin);

/* Returns the thread's memo of this stack, valid until its next walk: the index of the
 * stack, and the lane slot to count in. */
static inline const prof_memo *prof__walk_stack(
        prof_thread *thread, const prof_origin *origin) {
    uint64_t hash = (origin->pc ^ origin->sp << 20) * 0x9E3779B97F4A7C15ULL;
    prof_memo *memo = &thread->memos[hash >> 58];

    _Static_assert(PROF_LANE_SLOTS == 64, "the index is the top 6 bits");
    if (memo->pc != origin->pc || memo->sp != origin->sp || memo->group_count == 0 ||
            memo->unloads != prof__modules_unloads() ||
            (memo->uses_bp && memo->bp != origin->bp) || !prof__memo_holds(memo)) {
        prof__walk_afresh(thread, memo, origin);
    }
    return memo;
}

/* True for a stack that is one C function called by the Go runtime's assembly: the way in
 * which the runtime asks for memory of its own. */
bool prof__walk_is_runtime(uint32_t stack);

#endif
