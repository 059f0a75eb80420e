/* SPDX-License-Identifier: MIT */
/* arch.h - what differs between processors: registers, where a call leaves its return
 * address, how Go's assembly keeps its frames. One header and one source of each in
 * arch/, with the same names; nothing else asks which processor this is.
 *
 *   PROF_ARCH_FP, _SP, _RA    DWARF numbers: frame and stack pointer, return address
 *   PROF_ARCH_GO_QUANTUM      bytes of the smallest instruction, as pclntab says
 *   PROF_ARCH_GO_FRAME_BELOW  Go's frame pointer is so many bytes below the stack pointer
 *   PROF_ARCH_SAVES_TWICE     crosscall2 keeps C's frame pointer in two places
 *   PROF_ARCH_SAVES_RETURN    functions save the return address where their rules say
 *   PROF_ORIGIN_HERE          the origin (walk.h) of the function that contains it, which
 *                             then keeps a frame pointer */
#ifndef BELAY_PROF_ARCH_H
#define BELAY_PROF_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "cfi.h"
#include "goruntime.h"

#if defined(__x86_64__)
#include "arch/amd64.h"
#elif defined(__aarch64__)
#include "arch/arm64.h"
#else
#error "the recorder knows amd64 and arm64 only"
#endif

/* Sets the rule for a C function that runtime.asmcgocall called. What it does after the
 * call, at `code`, tells where it has put g and the depth. */
void prof__arch_cross(const uint8_t *code, prof_rule *out_rule);

/* Where crosscall2, whose code in `module` begins at `code`, keeps C's registers: bytes
 * from the frame of cgocallback. 0: follow cgocallback's frame pointer, or unknown. */
uint64_t prof__arch_callback_distance(
        const prof_gomodule *module, const uint8_t *code, uint64_t bytes);

#endif
