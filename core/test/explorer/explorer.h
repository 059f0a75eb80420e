/* SPDX-License-Identifier: MIT */
/* explorer.h - runs small scenarios under every order of their atomic steps.
 *
 * The core is built with BELAY__EXPLORE: before each atomic operation and each lock, the
 * explorer may let another simulated thread run. It goes through all schedules depth
 * first; after each it puts all memory back to what it was after the scenario's setup. A
 * state of memory and threads that was seen before is not gone through again, which keeps
 * the search exhaustive and finite. Orders weaker than sequential consistency are not
 * simulated (ThreadSanitizer looks for those). */
#ifndef BELAY_TEST_EXPLORER_H
#define BELAY_TEST_EXPLORER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPLORER_THREADS 4 /* of a scenario; the core's own worker comes on top */

typedef struct explorer_scenario {
    const char *name;
    void (*setup)(void);                     /* once; everything it does is put back */
    void (*threads[EXPLORER_THREADS])(void); /* NULL: no more */
    void (*check)(void);                     /* after each schedule, alone */
    bool has_worker; /* the core may start its worker; it may be asleep at the end */
    int preemptions; /* bound of them a schedule; 0: every schedule */
} explorer_scenario;

typedef struct explorer_result {
    uint64_t schedules; /* ended, each with its check */
    uint64_t states;    /* different ones */
    uint64_t steps;
    size_t deepest; /* choices in one schedule */
} explorer_result;

/* Explores to the end. Ends the process with a printed schedule when a check fails, a
 * thread crashes or all are blocked. max_states: more are a failure as well. */
void explorer_run(const explorer_scenario *scenario, uint64_t max_states,
        explorer_result *out_result);

/* Fails the schedule, if `holds` is false. */
void explorer_require(bool holds, const char *text, const char *file, int line);
#define require(condition) explorer_require((condition), #condition, __FILE__, __LINE__)

/* Memory that keeps its contents while the rest is put back. */
void *explorer_keep(size_t bytes);

/* The rest: what the program's variables and the core's mappings hold. */
void explorer_memory_save(void);
void explorer_memory_restore(void);
uint64_t explorer_memory_hash(uint64_t seed);
uint64_t explorer_hash(uint64_t seed, const void *bytes, size_t length);

#endif
