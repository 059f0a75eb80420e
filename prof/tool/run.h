/* SPDX-License-Identifier: MIT */
/* run.h - `belay-prof run`: becomes the program, with the profiler preloaded. */
#ifndef BELAY_PROF_RUN_H
#define BELAY_PROF_RUN_H

/* argv[0] begins the messages about options. Returns only when the program was not
 * started: 2 for wrong usage, 1 when the program can't be profiled or started; a line on
 * stderr says why. */
int prof__run_command(int argc, char **argv);

#endif
