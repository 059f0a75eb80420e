/* SPDX-License-Identifier: MIT */
/* report.h - `belay-prof report`: from a trace to something to read. */
#ifndef BELAY_PROF_REPORT_H
#define BELAY_PROF_REPORT_H

/* argv[0] begins the messages about options. Returns the exit code: 0, 1 for a trace that
 * can't be read or a file that can't be written, 2 for wrong usage; a line on stderr says
 * why. */
int prof__report_command(int argc, char **argv);

#endif
