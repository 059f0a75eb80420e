/* SPDX-License-Identifier: MIT */
#include "weight.h"

#include <string.h>

/* exp(-x) for 0 <= x < 0.5 */
static double weight_exp_small(double x) {
    double term = 1, sum = 1;

    for (int i = 1; i < 16; i++) {
        term *= -x / i;
        sum += term;
    }
    return sum;
}

/* 1 - exp(-x) for 0 <= x < 0.5, without cancellation */
static double weight_hit_small(double x) {
    double term = x, sum = x;

    for (int i = 2; i < 16; i++) {
        term *= -x / i;
        sum += term;
    }
    return sum;
}

double prof__weight_of(uint64_t size_bytes, uint64_t period_bytes) {
    double x, y;
    int halvings = 0;

    if (period_bytes <= 1) {
        return 1;
    }
    x = (double)(size_bytes ? size_bytes : 1) / (double)period_bytes;
    if (x < 0.5) {
        return 1 / weight_hit_small(x);
    }
    if (x > 40) {
        return 1;
    }
    for (; x >= 0.5; halvings++) {
        x /= 2;
    }
    for (y = weight_exp_small(x); halvings > 0; halvings--) {
        y *= y;
    }
    return 1 / (1 - y);
}

/* Natural logarithm of 0 < u <= 1: log(m * 2^e) with m near 1 by the atanh series. */
static double weight_log(double u) {
    uint64_t bits;
    double m, s, square, power, sum = 0;
    int exponent;

    memcpy(&bits, &u, sizeof bits);
    exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m /= 2;
        exponent++;
    }
    s = (m - 1) / (m + 1);
    square = s * s;
    power = s;
    for (int i = 1; i < 20; i += 2) {
        sum += power / i;
        power *= square;
    }
    return 2 * sum + exponent * 0.69314718055994530942;
}

uint64_t prof__weight_gap(uint64_t random, uint64_t period_bytes) {
    double u = ((double)(random >> 11) + 1) * 0x1p-53; /* (0, 1] */
    double gap = -weight_log(u) * (double)period_bytes;

    /* Rounded up: a block of s bytes is hit when the distance is at most s. */
    return (uint64_t)gap + 1;
}
