/* SPDX-License-Identifier: MIT */
/* report.h - tells mistakes: counts them, rings them, limits their rate, sends them on.
 *
 * Never called with a lock held: the sink is the program's. */
#ifndef BELAY__REPORT_H
#define BELAY__REPORT_H

#include "belay/report.h"

#include <stdbool.h>

#include "setting.h"

/* One mistake; sites by number. count: how many like it. */
typedef struct belay__mistake {
    belay_report_kind kind;
    belay_status status;
    uint32_t type;
    uint64_t handle;
    uint64_t count;
    uint64_t age_ms;
    int code;
    int system_error; /* LEDGER_LOST: errno; 0: unknown */
    uint32_t opened;
    uint32_t closed;
    uint32_t used;
} belay__mistake;

void belay__report_start(void);

void belay__report(const belay__mistake *mistake);

/* A call that was refused as misuse of `handle`, dead or alive: looks up what the slot
 * still knows of it. */
void belay__report_misuse(
        belay_report_kind kind, belay_status status, uint64_t handle, uint32_t used);

void belay__report_table_full(void);
void belay__report_ledger_lost(int system_error);

/* Tells on standard error what a variable of the environment may be. */
void belay__report_wrong_setting(const belay__wrong_setting *wrong);

/* The level, without starting anything. */
belay_level belay__report_level(void);

/* True if BELAY_STDERR says whether reports go to standard error. */
bool belay__report_has_stderr_wish(void);

/* True if the rate limit holds counts back. */
bool belay__report_is_holding(void);

#endif
