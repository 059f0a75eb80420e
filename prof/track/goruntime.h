/* SPDX-License-Identifier: MIT */
/* goruntime.h - where the Go runtime of this program has the places that a walk crosses.
 *
 * Read once from the mapped program: the runtime's own description of its code
 * (moduledata), which is there in stripped and position independent programs too. No Go
 * code is ever called. */
#ifndef BELAY_PROF_GORUNTIME_H
#define BELAY_PROF_GORUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "cfi.h"

typedef struct prof_range {
    uint64_t start, end;
} prof_range;

typedef struct prof_goruntime {
    uint64_t text, etext; /* Go code; 0: no Go in this program */
    uint64_t gofunc;      /* base of the functions' data, for inlined calls */
    uint64_t pclntab;
    prof_range asmcgocall[2];   /* Go to C; assembly and its wrapper */
    prof_range cgocallback[2];  /* C to Go */
    uint64_t callback_distance; /* see prof__arch_callback_distance */
} prof_goruntime;

extern prof_goruntime prof__go;

/* Looks for a Go runtime in the executable. False: none of a known layout. */
bool prof__goruntime_find(void);

static inline bool prof__goruntime_has(uint64_t pc) {
    return pc - prof__go.text < prof__go.etext - prof__go.text;
}

static inline bool prof__goruntime_is_callback(uint64_t pc) {
    return pc - prof__go.cgocallback[0].start <
                   prof__go.cgocallback[0].end - prof__go.cgocallback[0].start ||
           pc - prof__go.cgocallback[1].start <
                   prof__go.cgocallback[1].end - prof__go.cgocallback[1].start;
}

/* Sets the rule for a C function that was called from Go code at return address `pc`. */
void prof__goruntime_rule(uint64_t pc, prof_rule *out_rule);

#endif
