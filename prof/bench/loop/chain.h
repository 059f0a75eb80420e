/* SPDX-License-Identifier: MIT */
/* chain.h - a malloc loop below five C frames, with 4096 live blocks of 16 to 1039 bytes.
 */
#ifndef BENCH_CHAIN_H
#define BENCH_CHAIN_H

#include <stdint.h>

/* Frees an old block and allocates a new one `pairs` times. Returns nanoseconds: those of
 * this thread's processor time, and in `out_elapsed` those of the clock on the wall. */
uint64_t chain_churn(long pairs, uint64_t *out_elapsed);

/* Allocates `count` blocks of 1000 bytes and forgets them. */
void chain_leak(long count);

#endif
