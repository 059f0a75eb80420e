/* SPDX-License-Identifier: MIT */
/* mutation_test.c - goal: no damage to a ledger harms its reader. Method: break random
 * places of a valid one, numbers above all, read it and show it; usage: top_mutation_test
 * [ROUNDS [SEED]]. The seed is printed, so that a failure can be repeated. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exercise.h"
#include "synthetic.h"

static uint64_t mutation_state = 1;

/* xorshift64* (Vigna 2014): small, and the same everywhere. */
static uint64_t mutation_random(void) {
    mutation_state ^= mutation_state >> 12;
    mutation_state ^= mutation_state << 25;
    mutation_state ^= mutation_state >> 27;
    return mutation_state * UINT64_C(2685821657736338717);
}

/* Picks a place; half of them in the header, the directory or the first rows of a
 * segment. */
static size_t mutation_place(const synthetic *whole) {
    size_t entry = mutation_random() % SYNTHETIC_SEGMENTS;
    switch (mutation_random() % 4) {
    case 0:
        return mutation_random() % sizeof(belay_ledger_header);
    case 1:
        return BELAY_LEDGER_HEADER_BYTES +
               mutation_random() % (SYNTHETIC_SEGMENTS * sizeof(belay_ledger_segment));
    case 2:
        return synthetic_segment(whole, (int)entry)->offset + mutation_random() % 1024;
    default:
        return mutation_random() % whole->size;
    }
}

static void mutation_break(const synthetic *whole, unsigned char *bytes) {
    const uint64_t edges[] = {0, 1, 63, 64, 4095, whole->size - 1, whole->size,
            UINT32_MAX, UINT32_MAX - 1, INT32_MAX, INT64_MAX, UINT64_MAX, 1u << 24,
            (1u << 24) - 1};
    uint64_t number = edges[mutation_random() % (sizeof edges / sizeof *edges)];
    size_t place = mutation_place(whole);
    switch (mutation_random() % 4) {
    case 0:
        bytes[place] ^= (unsigned char)(1u << mutation_random() % 8);
        break;
    case 1:
        bytes[place] = (unsigned char)mutation_random();
        break;
    case 2:
        memcpy(bytes + place / 4 * 4, &number, 4);
        break;
    default:
        memcpy(bytes + place / 8 * 8, &number, 8);
    }
}

int main(int argument_count, char **arguments) {
    long rounds = argument_count > 1 ? strtol(arguments[1], NULL, 10) : 1000;
    uint64_t seed =
            argument_count > 2 ? strtoull(arguments[2], NULL, 10) : (uint64_t)time(NULL);
    long readable = 0;
    synthetic whole;
    synthetic_init(&whole);
    unsigned char *bytes = malloc(whole.size);
    printf("mutation_test: %ld rounds, seed %" PRIu64 "\n", rounds, seed);
    fflush(stdout);
    mutation_state = seed * 2 + 1;
    for (long round = 0; bytes && round < rounds; round++) {
        memcpy(bytes, whole.bytes, whole.size);
        for (uint64_t breaks = 1 + mutation_random() % 8; breaks > 0; breaks--) {
            mutation_break(&whole, bytes);
        }
        size_t size =
                mutation_random() % 8 == 0 ? mutation_random() % whole.size : whole.size;
        readable += exercise_ledger(bytes, size);
    }
    printf("mutation_test: %ld were read\n", readable);
    free(bytes);
    synthetic_fini(&whole);
    /* A loop that never gets past the header tests nothing. */
    return readable > rounds / 4 ? 0 : 1;
}
