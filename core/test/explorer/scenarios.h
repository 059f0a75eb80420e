/* SPDX-License-Identifier: MIT */
/* scenarios.h - the lists of what is explored. */
#ifndef BELAY_TEST_SCENARIOS_H
#define BELAY_TEST_SCENARIOS_H

#include "explorer.h"

extern const explorer_scenario scenarios[];
extern const int scenario_count;
extern const explorer_scenario net_scenarios[];
extern const int net_scenario_count;
extern const explorer_scenario lender_scenarios[];
extern const int lender_scenario_count;

#endif
