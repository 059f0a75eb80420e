/* SPDX-License-Identifier: MIT */
/* start.h - from the environment to a recording process.
 *
 *   BELAY_PROF_FILE    the trace file; %p stands for the process id
 *   BELAY_PROF_EVERY   mean distance of samples in bytes; 1: every allocation
 *   BELAY_PROF_BLOCKS  room for so many live blocks (a power of two)
 *   BELAY_PROF_MMAP    also record mappings of at least so many bytes
 *   BELAY_PROF_OWNER   the only process to record; unset: every process
 *   BELAY_PROF_LIBRARY what to take out of LD_PRELOAD: children start without us
 *
 * Numbers are those of trace/size.h. What is none is as if unset, and stderr says so.
 *
 * Preloaded without a file's name, it records into belay-prof.PID.trace. Linked into a
 * program, it waits for BELAY_PROF_FILE or for prof__start_file. */
#ifndef BELAY_PROF_START_H
#define BELAY_PROF_START_H

#include <stdint.h>

/* Starts if the environment says so and the C library is ready; else does nothing. */
void prof__start_try(void);

/* Starts recording into `path` (copied by the kernel). NULL, or a static text that says
 * why not; errno is set. Only the first start of a process counts. */
const char *prof__start_file(const char *path, uint64_t period_bytes);

#endif
