/* SPDX-License-Identifier: MIT */
/* life.h - whether the program that wrote a ledger still runs, and what can't be known.
 */
#ifndef TOP_SNAPSHOT_LIFE_H
#define TOP_SNAPSHOT_LIFE_H

#include "belay/ledger.h"
#include "source/process.h"

/* X(NAME, "word", "for people", "what can't be known, and what to do") */
#define TOP_LIFE_LIST(X)                                                                 \
    X(RUNNING, "running", "running", "")                                                 \
    X(SHUT_DOWN, "shut-down", "running, shut down",                                      \
            "belay_shutdown was its last use of Belay")                                  \
    X(ENDED, "ended", "ended cleanly",                                                   \
            "belay_shutdown was its last use of Belay; its exit code is not in the "     \
            "ledger")                                                                    \
    X(DIED, "died", "died",                                                              \
            "the process is gone and did not end with belay_shutdown; how it died, and " \
            "when, "                                                                     \
            "is not in the ledger")                                                      \
    X(ELSEWHERE, "elsewhere", "not running here",                                        \
            "written before this machine restarted, or on another one, and not ended "   \
            "with "                                                                      \
            "belay_shutdown; how it ended, and when, can't be known")                    \
    X(UNKNOWN, "unknown", "perhaps running",                                             \
            "its pid is in use, but not open to a look; be its user or root")

#define TOP_LIFE_ENUM(name, word, text, doubt) TOP_LIFE_##name,

typedef enum top_life { TOP_LIFE_LIST(TOP_LIFE_ENUM) TOP_LIFE_COUNT } top_life;

/* Decides by what the ledger says of its writer and what /proc says now.
 *
 * holder  the process that the ledger was found in (not there: opened by its path); in
 *         another pid namespace its pid is not the one in the header
 * named   the process that has the header's pid here */
top_life top_life_decide(const belay_ledger_header *header, const char *boot_id,
        const top_process *holder, const top_process *named);

/* True if the program runs: the moment of reading is the end of all ages. */
int top_life_is_running(top_life life);

/* The texts of the list; static. */
const char *top_life_word(top_life life);
const char *top_life_text(top_life life);
const char *top_life_doubt(top_life life);

#endif
