/* SPDX-License-Identifier: MIT */
/* report.h - what went wrong, told by type and line.
 *
 * The level comes from the environment (BELAY_LEVEL=off|sampled|all) or from the program.
 * Unless it is off, every report is counted and kept in the ledger's ring; equal ones
 * (kind, type, site) are told at once the first time, then at most once a second with a
 * count. Every function is safe to call from any thread. */
#ifndef BELAY_REPORT_H
#define BELAY_REPORT_H

#include <stdint.h>

#include "belay/handle.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct belay_report {
    belay_report_kind kind;
    belay_status status; /* what the caller was told; BELAY_OK where nobody was */
    belay_type type;
    belay_handle handle;   /* of the last object counted here; 0: of none, or of one that
                              the net is about to end */
    uint64_t count;        /* how many this report stands for; at least 1 */
    uint64_t age_ms;       /* of the object */
    int code;              /* of the destructor */
    const char *type_name; /* the texts live as long as the program */
    const char *opened;    /* "function file:line"; "?" when unknown */
    const char *closed;
    const char *used;  /* where the mistake was made */
    char message[768]; /* the whole thing in one line, without addresses */
} belay_report;

/* Receives a report; called with no lock held, from whichever thread found it. */
typedef void (*belay_report_fn)(void *data, const belay_report *report);

/* Sets where reports go. NULL: to standard error, unless BELAY_STDERR=0;
 * else nowhere. */
BELAY_API void belay_report_to(belay_report_fn sink, void *data);

BELAY_API void belay_level_set(belay_level level);
BELAY_API belay_level belay_level_get(void);

/* Tells the counts that the rate limit holds back. */
BELAY_API void belay_report_flush(void);

/* The word of a report kind ("rescue"), static; "?" for none. */
BELAY_API const char *belay_report_word(belay_report_kind kind);

#ifdef __cplusplus
}
#endif

#endif
