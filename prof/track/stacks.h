/* SPDX-License-Identifier: MIT */
/* stacks.h - the table of distinct stacks, in the trace file.
 *
 * A stack is known by a 64-bit hash of its addresses and their modules; two different
 * stacks of one hash are not told apart (with a million stacks: one chance in 10 million
 * that any two are mixed up). Lock-free, any thread, never allocates. */
#ifndef BELAY_PROF_STACKS_H
#define BELAY_PROF_STACKS_H

#include <stdint.h>

/* Prepares stack 0, which stands for all that the tables had no room for. */
void prof__stacks_init(void);

/* Returns the index of a stack, new or known. flags: PROF_STACK_* */
uint32_t prof__stacks_intern(
        uint64_t hash, const uint64_t *frames, uint32_t count, uint32_t flags);

/* Adds allocations to a stack: a count in 1/65536, bytes, and the samples behind them. */
void prof__stacks_add(
        uint32_t stack, uint64_t count_q16, uint64_t bytes, uint64_t samples);

#endif
