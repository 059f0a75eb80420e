/* SPDX-License-Identifier: MIT */
/* walk.h - from an allocation to the stack it came from, C and Go frames in one list.
 *
 * Never allocates, takes no lock, calls no Go, reads only the calling thread's stack and
 * the stacks of the goroutines that are waiting in C calls below it. */
#ifndef BELAY_PROF_WALK_H
#define BELAY_PROF_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "threads.h"

/* Where a hook was called from: the registers after its return. */
typedef struct prof_origin {
    uint64_t pc, sp, bp;
} prof_origin;

/* The origin of the function that contains this; the compiler then keeps a frame pointer.
 */
#define PROF_ORIGIN_HERE                                                                 \
    {                                                                                    \
            .pc = ((const uint64_t *)__builtin_frame_address(0))[1],                     \
            .sp = (uint64_t)(uintptr_t)__builtin_frame_address(0) + 16,                  \
            .bp = ((const uint64_t *)__builtin_frame_address(0))[0],                     \
    }

/* Returns the stack's index. `out_slot` is the lane slot to count in, or -1 when the walk
 * was too long to be remembered. */
uint32_t prof__walk_stack(prof_thread *thread, const prof_origin *origin, int *out_slot);

/* True for a stack that is one C function called by the Go runtime's assembly: the way in
 * which the runtime asks for memory of its own. */
bool prof__walk_is_runtime(uint32_t stack);

#endif
