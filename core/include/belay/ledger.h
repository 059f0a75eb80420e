/* SPDX-License-Identifier: MIT */
/* ledger.h - the layout of the ledger, for readers outside the process.
 *
 * A ledger is one file of shared memory:
 *
 *   header | directory | segments...
 *
 * A segment never moves once its directory entry is there; entries are only added. Holes
 * may be between segments.
 * Writers never wait for readers. A reader takes nothing on trust: offsets, indexes and
 * texts may be torn or hostile. How to read a row consistently: see belay_ledger_row. All
 * integers are little endian. docs/internals/ledger.md tells why it is so. */
#ifndef BELAY_LEDGER_H
#define BELAY_LEDGER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BELAY_LEDGER_MAGIC "BELAYLG1"
#define BELAY_LEDGER_VERSION 1

#define BELAY_LEDGER_HEADER_BYTES 4096
#define BELAY_LEDGER_DIRECTORY_MAX 4096

/* Kinds of segment. A reader skips the kinds it does not know. */
#define BELAY_LEDGER_SEGMENT_LIST(X)                                                     \
    X(NONE, "none")                                                                      \
    X(ROWS, "rows")                                                                      \
    X(TYPES, "types")                                                                    \
    X(SITES, "sites")                                                                    \
    X(COUNTERS, "counters")                                                              \
    X(REPORTS, "reports")

#define BELAY__LEDGER_SEGMENT_ENUM(name, word) BELAY_LEDGER_##name,

typedef enum belay_ledger_kind {
    BELAY_LEDGER_SEGMENT_LIST(BELAY__LEDGER_SEGMENT_ENUM) BELAY_LEDGER_KIND_COUNT
} belay_ledger_kind;

/* At offset 0, BELAY_LEDGER_HEADER_BYTES long, the rest zero. */
typedef struct belay_ledger_header {
    char magic[8];         /* BELAY_LEDGER_MAGIC, written last */
    uint32_t version;      /* BELAY_LEDGER_VERSION */
    uint32_t header_bytes; /* BELAY_LEDGER_HEADER_BYTES */
    uint32_t pid;
    uint32_t flags;           /* BELAY_LEDGER_FLAG_* */
    uint64_t start_ticks;     /* field 22 of /proc/PID/stat: tells a reused pid */
    char boot_id[40];         /* text of /proc/sys/kernel/random/boot_id */
    uint64_t start_unix_ns;   /* wall clock when the ledger was made */
    uint64_t start_mono_ns;   /* CLOCK_MONOTONIC at the same moment */
    uint64_t now_ms;          /* since the start; advances while objects are opened */
    uint32_t directory_max;   /* BELAY_LEDGER_DIRECTORY_MAX */
    uint32_t directory_count; /* entries filled, stored after the entry */
    uint32_t type_count;      /* stored after the type's row */
    uint32_t site_count;      /* stored after the site's row */
    uint64_t report_count;    /* reports ever written; the ring holds the last of them */
    uint32_t ended;           /* 1: belay_shutdown was the last thing that happened */
    uint32_t reserved;
    char program[64]; /* base name of the executable, for people */
} belay_ledger_header;

#define BELAY_LEDGER_FLAG_BASENAMES 1u /* sites carry no folders */

/* At offset BELAY_LEDGER_HEADER_BYTES, directory_max of them. */
typedef struct belay_ledger_segment {
    uint32_t kind;   /* belay_ledger_kind */
    uint32_t first;  /* index of the first row */
    uint32_t count;  /* rows in the segment */
    uint32_t stride; /* bytes a row */
    uint64_t offset; /* from the start of the file, page aligned */
} belay_ledger_segment;

/* An object; segment ROWS; row index = handle index. 64 bytes, a cache line.
 *
 * To read one while the program runs: load `state` (acquire); if LIVE, copy the row; load
 * `state` again; the copy is good if the generation is the same. */
typedef struct belay_ledger_row {
    uint64_t state;  /* generation (40) | flags (8) | borrows (16) */
    uint64_t object; /* the raw pointer; 0 once it is gone */
    uint64_t size_bytes;
    uint32_t opened_ms; /* since the start, wraps after 49 days */
    uint32_t type;
    uint64_t parent;      /* handle bits, 0: none */
    uint32_t site;        /* where it was opened */
    uint32_t epoch;       /* survivor epoch; of a closed row: the site that closed it */
    uint32_t first_child; /* row indexes, 0: none */
    uint32_t next;        /* sibling */
    uint32_t previous;    /* sibling; the first child's is the last child */
    uint32_t root;        /* the object on top, itself when it has no parent */
} belay_ledger_row;

#define BELAY_STATE_BORROWS UINT64_C(0x7fff) /* not 0: in use; the two below */
#define BELAY_STATE_COUNT UINT64_C(0x3fff)   /* borrows, */
#define BELAY_STATE_LENT UINT64_C(0x4000)    /* and one more, of who uses it often */
#define BELAY_STATE_OVERFLOW                                                             \
    UINT64_C(0x8000) /* never set by a borrow: the count is full */
#define BELAY_STATE_LIVE (UINT64_C(1) << 16)    /* an object is here */
#define BELAY_STATE_CLOSED (UINT64_C(1) << 17)  /* no new borrow */
#define BELAY_STATE_DYING (UINT64_C(1) << 18)   /* its destructor was claimed */
#define BELAY_STATE_SLOW (UINT64_C(1) << 19)    /* guarded or bound to a thread */
#define BELAY_STATE_KIN (UINT64_C(1) << 20)     /* has or had a parent or a child */
#define BELAY_STATE_TRACED (UINT64_C(1) << 21)  /* stacks are kept */
#define BELAY_STATE_WATCHED (UINT64_C(1) << 22) /* someone waits for its end */
#define BELAY_STATE_NETTED (UINT64_C(1) << 23)  /* closed by the net */
#define BELAY_STATE_GENERATION_SHIFT 24

/* A type; segment TYPES; row index = type id. */
typedef struct belay_ledger_type {
    char name[112]; /* ends with 0 */
    uint64_t size_bytes;
    uint8_t guard, thread, net, children; /* vocabulary.h */
    uint32_t reserved;
} belay_ledger_type;

/* An opening, closing or misusing line; segment SITES; row index = site id. Site 0 is
 * "?". */
typedef struct belay_ledger_site {
    char text[256]; /* "function file:line", ends with 0 */
} belay_ledger_site;

/* Counters of one type; segment COUNTERS; row index = type id. The sum over the shards is
 * the value. The bytes of a type are its objects, opened less gone, times size_bytes,
 * and more_bytes; a sum is modulo 2^64, and for a moment it may be less than none. */
#define BELAY_LEDGER_SHARDS 80

typedef struct belay_ledger_shard {
    uint64_t opened;
    uint64_t gone;       /* destroyed or disowned */
    uint64_t more_bytes; /* what objects have beyond their type's size */
    uint64_t look_at;    /* writer's own: `opened` at which it looks at the total again */
    uint64_t counted;    /* writer's own: bytes as of the last look at the type */
    uint64_t reserved[3];
} belay_ledger_shard;

typedef struct belay_ledger_counters {
    belay_ledger_shard shards[BELAY_LEDGER_SHARDS];
    uint64_t rescued;
    uint64_t leaked;
    uint64_t disowned;
    uint64_t refused;
    uint64_t failed;
    uint64_t misused;
    uint64_t live_peak;
    uint64_t bytes_peak;
    uint64_t size_bytes; /* of each object: the type's */
    uint64_t reserved[7];
} belay_ledger_counters;

/* A report; segment REPORTS, a ring: report n (from 0) is in row n modulo count. */
typedef struct belay_ledger_report {
    uint64_t sequence; /* n + 1; 0 while it is being written */
    uint64_t at_ms;    /* since the start */
    uint64_t handle;
    uint64_t count;
    uint32_t kind; /* belay_report_kind */
    uint32_t status;
    uint32_t type;
    int32_t code;
    uint32_t opened; /* sites */
    uint32_t closed;
    uint32_t used;
    uint32_t age_ms;
} belay_ledger_report;

#define BELAY_LEDGER_REPORT_ROWS 256

#ifdef __cplusplus
}
#endif

#endif
