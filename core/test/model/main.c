/* SPDX-License-Identifier: MIT */
/* main.c - random sequences by seed; a failing one is made shorter and printed.
 *
 * usage: model [SEQUENCES [FIRST SEED]]    BELAY_MODEL_SEQUENCES says how many without */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interpreter.h"

#define MAIN_SEQUENCES 20000
#define MAIN_STEPS 120
#define MAIN_BATCH 500 /* sequences a process */

static uint64_t random_next(uint64_t *seed) { /* splitmix64 (Steele, Lea, Flood) */
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t main_make(uint64_t seed, uint8_t *out_bytes) {
    uint64_t random = seed;
    size_t steps = 5 + random_next(&random) % (MAIN_STEPS - 5);
    /* Few places and types make relations likelier. */
    unsigned places = 2 + (unsigned)(random_next(&random) % 10);
    for (size_t i = 0; i < steps * INTERPRETER_STEP; i++) {
        out_bytes[i] = (uint8_t)random_next(&random);
        if (i % INTERPRETER_STEP == 1) {
            out_bytes[i] = (uint8_t)(out_bytes[i] % places);
        }
    }
    return steps * INTERPRETER_STEP;
}

/* Runs a sequence in a child. False: it failed. */
static bool main_try(const uint8_t *bytes, size_t length, bool is_loud) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (!is_loud) {
            int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
            dup2(null, STDERR_FILENO);
        }
        alarm(20);
        interpreter_run(bytes, length, is_loud);
        _exit(0);
    }
    int status = 1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* Takes steps away as long as the sequence goes on failing. */
static size_t main_shrink(uint8_t *bytes, size_t length) {
    for (size_t piece = length / INTERPRETER_STEP / 2; piece > 0; piece /= 2) {
        size_t cut = piece * INTERPRETER_STEP;
        for (size_t at = 0; at + cut <= length;) {
            uint8_t shorter[MAIN_STEPS * INTERPRETER_STEP];
            memcpy(shorter, bytes, at);
            memcpy(shorter + at, bytes + at + cut, length - at - cut);
            if (main_try(shorter, length - cut, false)) {
                at += cut;
            } else {
                length -= cut;
                memcpy(bytes, shorter, length);
            }
        }
    }
    return length;
}

int main(int count, char **arguments) {
    uint8_t bytes[MAIN_STEPS * INTERPRETER_STEP];
    const char *wish = count > 1 ? arguments[1] : getenv("BELAY_MODEL_SEQUENCES");
    uint64_t sequences = wish ? strtoull(wish, NULL, 10) : MAIN_SEQUENCES;
    uint64_t first = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    uint64_t *at = mmap(
            NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (uint64_t seed = first; seed < first + sequences; seed += MAIN_BATCH) {
        pid_t child = fork();
        if (child == 0) {
            for (*at = seed; *at < seed + MAIN_BATCH && *at < first + sequences; ++*at) {
                alarm(60);
                interpreter_run(bytes, main_make(*at, bytes), false);
            }
            _exit(0);
        }
        int status = 1;
        if (child > 0 && waitpid(child, &status, 0) == child && status == 0) {
            continue;
        }
        size_t length = main_make(*at, bytes);
        fprintf(stderr, "seed %llu fails; the shortest like it:\n",
                (unsigned long long)*at);
        if (main_try(bytes, length, false)) {
            fprintf(stderr, "    (it needs the sequences from seed %llu before it)\n",
                    (unsigned long long)seed);
        }
        length = main_shrink(bytes, length);
        (void)main_try(bytes, length, true);
        return 1;
    }
    printf("%llu sequences of up to %d operations, the core and the model agree\n",
            (unsigned long long)sequences, MAIN_STEPS);
    return 0;
}
