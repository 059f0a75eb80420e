/* SPDX-License-Identifier: MIT */
/* main.c - explores each scenario in a process of its own, and prints what was gone
 * through.
 *
 * usage: explorer [PART OF A NAME]    BELAY_EXPLORER_MORE=n: n more preemptions where
 * they are bounded */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenarios.h"

#define MAIN_STATES 16000000

static void main_explore(explorer_scenario *scenario) {
    explorer_result result = {0};
    char bound[32] = "all";
    const char *more = getenv("BELAY_EXPLORER_MORE");
    if (more != NULL && scenario->preemptions > 0) {
        scenario->preemptions += (int)strtol(more, NULL, 10);
    }
    setenv("BELAY_LEDGER", "off", 1);
    setenv("BELAY_LEVEL", "off", 1);
    explorer_run(scenario, MAIN_STATES, &result);
    if (scenario->preemptions > 0) {
        snprintf(bound, sizeof bound, "<= %d preemptions", scenario->preemptions);
    }
    printf("%-44s %8llu %9llu %11llu %6zu  %s\n", scenario->name,
            (unsigned long long)result.schedules, (unsigned long long)result.states,
            (unsigned long long)result.steps, result.deepest, bound);
    fflush(stdout);
}

/* Explores the scenarios of a list whose name has `part`. Returns how many failed. */
static int main_list(
        const explorer_scenario *list, int count, const char *part, int *explored) {
    int failed = 0;
    for (int i = 0; i < count; i++) {
        if (!strstr(list[i].name, part)) {
            continue;
        }
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            explorer_scenario scenario = list[i];
            main_explore(&scenario);
            _exit(0);
        }
        int status = 1;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
            printf("%-44s FAILED\n", list[i].name);
            failed++;
        }
        ++*explored;
    }
    return failed;
}

int main(int count, char **arguments) {
    const char *part = count > 1 ? arguments[1] : "";
    int explored = 0;
    printf("%-44s %8s %9s %11s %6s  %s\n", "scenario", "ended", "states", "steps",
            "depth", "schedules");
    int failed = main_list(scenarios, scenario_count, part, &explored);
    failed += main_list(net_scenarios, net_scenario_count, part, &explored);
    failed += main_list(lender_scenarios, lender_scenario_count, part, &explored);
    printf("%d scenarios, %d failed\n", explored, failed);
    return failed > 0 || explored == 0;
}
