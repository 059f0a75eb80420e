/* SPDX-License-Identifier: MIT */
/* goruntime.h - where the Go code of this process is, and the places that a walk crosses.
 *
 * Read once from each mapped file, the program or a library: the runtime's own
 * description of its code (moduledata), which is there in stripped and position
 * independent files too. No Go code is ever called. Go code is never unloaded. */
#ifndef BELAY_PROF_GORUNTIME_H
#define BELAY_PROF_GORUNTIME_H

#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cfi.h"

typedef struct prof_range {
    uint64_t start, end;
} prof_range;

/* The Go code of one mapped file. A plugin has no runtime of its own. */
typedef struct prof_gomodule {
    prof_range text;
    uint64_t gofunc; /* base of the functions' data, for inlined calls */
    uint64_t pclntab;
    prof_range asmcgocall[2];   /* Go to C; assembly and its wrapper */
    prof_range cgocallback[2];  /* C to Go */
    uint64_t callback_distance; /* see prof__arch_callback_distance */
} prof_gomodule;

enum { PROF_GO_MODULES_MAX = 64 };

typedef struct prof_goruntime {
    prof_gomodule modules[PROF_GO_MODULES_MAX];
    _Atomic int count;
} prof_goruntime;

extern prof_goruntime prof__go;

/* Looks for Go code in the executable. False: none of a known layout. */
bool prof__goruntime_find(void);

/* Looks for Go code in a file that is mapped at `range`, unless it is known. NULL: there
 * is none of a known layout, or no room. One thread at a time. */
const prof_gomodule *prof__goruntime_add(
        prof_range range, const ElfW(Phdr) * headers, uint64_t count, uint64_t bias);

static inline bool prof__goruntime_within(prof_range range, uint64_t pc) {
    return pc - range.start < range.end - range.start;
}

/* The module whose Go code is at `pc`, or NULL. */
static inline const prof_gomodule *prof__goruntime_at(uint64_t pc) {
    /* Pairs with the release of a new module. */
    int count = atomic_load_explicit(&prof__go.count, memory_order_acquire);

    for (int i = 0; i < count; i++) {
        if (prof__goruntime_within(prof__go.modules[i].text, pc)) {
            return &prof__go.modules[i];
        }
    }
    return NULL;
}

static inline bool prof__goruntime_has(uint64_t pc) {
    return prof__goruntime_at(pc) != NULL;
}

static inline bool prof__goruntime_calls_back(const prof_gomodule *module, uint64_t pc) {
    return prof__goruntime_within(module->cgocallback[0], pc) ||
           prof__goruntime_within(module->cgocallback[1], pc);
}

/* Sets the rule for a C function that was called from Go code at return address `pc`. */
void prof__goruntime_rule(uint64_t pc, prof_rule *out_rule);

#endif
