/* SPDX-License-Identifier: MIT */
/* cfi.h - from an address to the rule that leads to its caller, read from .eh_frame.
 *
 * Only what compilers emit at call sites is understood: a frame found from the stack
 * pointer, from the frame pointer, or through a saved pointer (realigned frames). Reads
 * mapped program memory only; any thread, no locks, never allocates. */
#ifndef BELAY_PROF_CFI_H
#define BELAY_PROF_CFI_H

#include <stdbool.h>
#include <stdint.h>

typedef enum prof_cfa {
    PROF_CFA_NONE,     /* no rule: the walk ends, broken */
    PROF_CFA_END,      /* outermost frame: the walk ends, complete */
    PROF_CFA_SP,       /* caller's frame = stack pointer + offset */
    PROF_CFA_BP,       /* = frame pointer + offset */
    PROF_CFA_BP_DEREF, /* = word at frame pointer + offset */
    PROF_CFA_CROSS,    /* runtime.asmcgocall: g at sp + offset, depth at sp + bp_offset */
    PROF_CFA_SYSTEM    /* the same on a system stack: Go's stack pointer at sp + offset */
} prof_cfa;

typedef enum prof_saved_bp {
    PROF_BP_SAME,   /* the caller's frame pointer is still in the register */
    PROF_BP_AT_CFA, /* saved at the caller's frame + offset */
    PROF_BP_AT_BP   /* saved at this frame pointer + offset */
} prof_saved_bp;

typedef struct prof_rule {
    uint8_t cfa;      /* prof_cfa */
    uint8_t saved_bp; /* prof_saved_bp */
    int16_t ra_words; /* arm64: the return address is so far above bp_offset */
    int32_t offset;
    int32_t bp_offset;
} prof_rule;

/* Finds the rule that holds at `pc` (an address inside the call instruction).
 * `eh_frame_hdr` is the module's, `end` the end of its mapping. Sets PROF_CFA_NONE when
 * there is none or it is not understood. */
void prof__cfi_find(
        uint64_t pc, const uint8_t *eh_frame_hdr, uint64_t end, prof_rule *out_rule);

#endif
