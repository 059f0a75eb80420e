/* SPDX-License-Identifier: MIT */
/* weight.h - what one sample stands for.
 *
 * Sampling is Poisson by bytes: the distances between sampled bytes are exponential with
 * mean `period_bytes`, so an allocation of s bytes is sampled with p = 1 - exp(-s/period)
 * and stands for 1/p allocations of its size. Sums weighted so are unbiased.
 *
 * Pure functions, safe everywhere; no libm, because the preloaded library needs libc
 * only. */
#ifndef BELAY_PROF_WEIGHT_H
#define BELAY_PROF_WEIGHT_H

#include <stdint.h>

/* Returns how many allocations of `size_bytes` one sample stands for; 1 when every
 * allocation is recorded (`period_bytes` 0 or 1). Relative error below 1e-12. */
double prof__weight_of(uint64_t size_bytes, uint64_t period_bytes);

/* Returns the distance in bytes to the next sampled byte, at least 1. `random` is 64
 * uniform random bits. */
uint64_t prof__weight_gap(uint64_t random, uint64_t period_bytes);

#endif
