/* SPDX-License-Identifier: MIT */
/* trace.h - the file that a profiled process writes and the tool reads.
 *
 *   target: create -> map shared -> fill while it runs ; tool: read at any moment, also
 * after death
 *
 * The file is one header page and five tables at fixed places. Nothing in it is ever
 * moved, so that a reader needs no cooperation: it copies the tables and is done. Each
 * table is sparse; only touched pages exist. All numbers are little endian, addresses are
 * the target's own. The reader trusts nothing of it (see snapshot.h).
 *
 * Glossary: a *stack* is one distinct list of return addresses, leaf first; a *block* is
 * one live allocation; a *lane* holds one thread's not yet published counts; a *module*
 * is one mapped ELF file, in the order of first sight: an address of a stack means the
 * newest module there that was known when the stack was (its *epoch*). */
#ifndef BELAY_PROF_TRACE_H
#define BELAY_PROF_TRACE_H

#include <stdatomic.h>
#include <stdint.h>

#define PROF_TRACE_MAGIC 0x31464f5250594c42ULL /* "BLYPROF1" */
#define PROF_TRACE_VERSION 2u

enum {
    PROF_HEADER_BYTES = 4096,
    PROF_FRAMES_MAX = 512,   /* deepest stack that is kept whole */
    PROF_LANE_SLOTS = 64,    /* one for each walk a thread remembers */
    PROF_LANES_MAX = 4096,   /* threads alive at one time */
    PROF_MODULES_MAX = 4096, /* modules ever seen */
    PROF_STACK_BITS = 20,    /* a block packs its stack into this many bits */
    PROF_COUNT_FRACTION_BITS =
            16 /* counts are in 1/65536: a sample stands for a fraction */
};

#define PROF_SIZE_MAX ((1ULL << (64 - PROF_STACK_BITS)) - 1)

/* Bits of prof_trace_header.flags. */
enum {
    PROF_FLAG_BYPASSED = 1, /* the program's own malloc precedes ours: nothing was seen */
    PROF_FLAG_GO = 2,       /* the program itself is Go */
    PROF_FLAG_LINKED = 4    /* linked into the program, not preloaded */
};

/* Bits of prof_stack.flags. */
enum {
    PROF_STACK_DEEP = 1,   /* cut off after PROF_FRAMES_MAX frames */
    PROF_STACK_BROKEN = 2, /* the walk met code it has no rule for */
    PROF_STACK_OFF = 4,    /* not on the thread's own stack: only the leaf is known */
    PROF_STACK_LOST = 8    /* the record for everything the full tables could not take */
};

/* What was not recorded, and why; every line is shown by the report. */
#define PROF_LOSS_LIST(X)                                                                \
    X(BLOCKS, blocks, "allocations not followed: table of live blocks full")             \
    X(STACKS, stacks, "allocations without a stack: stack tables full")                  \
    X(THREADS, threads, "allocations of threads beyond the table of threads")            \
    X(NESTED, nested, "allocations from a signal handler inside the profiler")           \
    X(MODULES, modules, "mapped files beyond the table of modules")                      \
    X(BACKING, backing, "table pages refused by the file system")

enum {

#define X(name, field, text) PROF_LOSS_##name,
    PROF_LOSS_LIST(X)
#undef X
            PROF_LOSS_COUNT
};

typedef struct prof_section {
    uint64_t offset; /* from the start of the file */
    uint64_t count;  /* entries there is room for */
} prof_section;

typedef struct prof_trace_header {
    _Atomic uint64_t magic; /* written last */
    uint32_t version;
    uint32_t flags;
    uint64_t pid;
    uint64_t start_ns;     /* CLOCK_REALTIME */
    uint64_t period_bytes; /* mean distance of samples; 1 means every allocation */
    prof_section lanes;    /* prof_lane */
    prof_section modules;  /* prof_module */
    prof_section stacks;   /* prof_stack, open addressing by hash */
    prof_section frames;   /* uint64_t return addresses */
    prof_section blocks;   /* prof_block, see track/blocks.c for the placing */
    _Atomic uint64_t frames_used;
    _Atomic uint64_t modules_used;
    _Atomic uint64_t losses[PROF_LOSS_COUNT];
    char command[1024]; /* the arguments, separated by blanks, NUL at the end */
} prof_trace_header;

typedef struct prof_lane_slot {
    uint32_t stack;
    uint32_t reserved;
    uint64_t count; /* allocations, whole */
    uint64_t bytes;
} prof_lane_slot;

typedef struct prof_lane {
    _Atomic uint32_t owner; /* thread id; 0: free */
    uint32_t reserved;
    prof_lane_slot slots[PROF_LANE_SLOTS];
} prof_lane;

typedef struct prof_module {
    _Atomic uint64_t born; /* 1, written last; 0: not ready */
    uint64_t start, end;   /* mapped range */
    uint64_t bias;         /* mapped address - address in the ELF file */
    uint32_t build_id_len;
    uint8_t build_id[36];
    uint64_t go_text, go_etext; /* Go code in it, in the target; 0: none */
    uint64_t go_gofunc, go_pclntab;
    char path[408];
} prof_module;

typedef struct prof_stack {
    _Atomic uint64_t hash;        /* claims the record; 0: free */
    _Atomic uint64_t count_q16;   /* allocations so far, in 1/65536 */
    _Atomic uint64_t bytes;       /* bytes so far */
    _Atomic uint64_t samples;     /* sampling only: how many samples stand behind these */
    _Atomic uint32_t frame_count; /* written last; 0: not ready */
    uint32_t frames_at;           /* index into the table of frames */
    uint32_t flags;
    uint32_t epoch; /* modules known when it was first seen */
    uint64_t reserved[2];
} prof_stack;

typedef struct prof_block {
    _Atomic uint64_t address; /* 0: free */
    _Atomic uint64_t value;   /* stack << 44 | size in bytes; 0: not ready */
} prof_block;

_Static_assert(sizeof(prof_trace_header) <= PROF_HEADER_BYTES, "the header is one page");
_Static_assert(sizeof(prof_stack) == 64, "a stack is one cache line");
_Static_assert(sizeof(prof_block) == 16, "four blocks are one cache line");
_Static_assert(sizeof(prof_module) == 512, "modules are copied as they are");

#endif
