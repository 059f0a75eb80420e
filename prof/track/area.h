/* SPDX-License-Identifier: MIT */
/* area.h - the trace file as the profiled process sees it: one shared mapping.
 *
 *   create -> back (before the first touch of each part) -> abandon (in a forked child)
 *
 * A sparse file on a full file system kills the process that touches it (SIGBUS). So
 * every part of 64 KiB is asked for with fallocate before it is touched, and a refusal is
 * a counted loss, never a crash. Thread-safe; nothing here allocates from the heap. */
#ifndef BELAY_PROF_AREA_H
#define BELAY_PROF_AREA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../trace/trace.h"

typedef struct prof_area {
    prof_trace_header *header; /* NULL: no file, record nothing */
    prof_lane *lanes;
    prof_module *modules;
    prof_stack *stacks;
    uint64_t *frames;
    prof_block *blocks;
} prof_area;

/* How large the tables may become, in entries (the last three are powers of two). */
typedef struct prof_area_limits {
    uint64_t frames;
    uint64_t stacks;
    uint64_t blocks;
} prof_area_limits;

extern prof_area prof__area;

/* Makes and maps the file. `path` is copied by the kernel only. Returns NULL, or a static
 * text that says why not, with errno set and no file left. An existing file stays, unless
 * it is what this process recorded as the program that it was before execve. */
const char *prof__area_create(const char *path, const prof_area_limits *limits);

enum {
    PROF_AREA_PART_BITS = 16,
    PROF_AREA_PARTS_MAX = 1 << 16, /* 4 GiB of file */
    PROF_AREA_BACKED = 1
};

/* One for each part of the file: whether the file system stands behind it. */
extern _Atomic uint8_t prof__area_parts[PROF_AREA_PARTS_MAX];

/* The long way of prof__area_back: asks the file system. */
bool prof__area_ask(size_t first_part, size_t last_part);

/* True when `place` may be touched, as far as this thread knows. */
static inline bool prof__area_has(const void *place) {
    size_t offset = (size_t)((const char *)place - (const char *)prof__area.header);

    return atomic_load_explicit(&prof__area_parts[offset >> PROF_AREA_PART_BITS],
                   memory_order_relaxed) == PROF_AREA_BACKED;
}

/* Makes sure that the file system stands behind [start, start + bytes), at most one part
 * long. False: do not touch it; the loss is counted. */
static inline bool prof__area_back(const void *start, size_t bytes) {
    size_t offset = (size_t)((const char *)start - (const char *)prof__area.header);
    size_t first = offset >> PROF_AREA_PART_BITS;
    size_t last = (offset + bytes - 1) >> PROF_AREA_PART_BITS;

    /* Relaxed: a thread that misses the mark only asks the file system once more. */
    return (atomic_load_explicit(&prof__area_parts[first], memory_order_relaxed) ==
                           PROF_AREA_BACKED &&
                   atomic_load_explicit(&prof__area_parts[last], memory_order_relaxed) ==
                           PROF_AREA_BACKED) ||
           prof__area_ask(first, last);
}

/* Forgets the parent's file in a forked child, which must not write to it. */
void prof__area_abandon(void);

/* Counts one loss of kind PROF_LOSS_*. */
void prof__area_lose(int kind);

#endif
