/* SPDX-License-Identifier: MIT */
/* process.h - what /proc tells about a process: whether it is there, and its ledger. */
#ifndef TOP_SOURCE_PROCESS_H
#define TOP_SOURCE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/failure.h"

typedef struct top_process {
    bool is_there;        /* its /proc/PID/stat was read, and it is not a zombie */
    bool is_hidden;       /* the pid exists, but /proc does not show it to us */
    uint64_t start_ticks; /* field 22 of /proc/PID/stat, when is_there */
} top_process;

/* Looks for a process in this pid namespace. */
top_process top_process_look(int32_t pid);

#define TOP_BOOT_ID_BYTES 40

/* Reads the id of this boot as text; empty when it can't be read. */
void top_process_boot_id(char out_text[TOP_BOOT_ID_BYTES]);

/* Opens the ledger that a process holds: its memfd, or the file that BELAY_LEDGER named.
 * Returns a descriptor that the caller closes, and its name below /proc; -1 with a
 * failure. */
int top_process_open_ledger(
        int32_t pid, char *out_name, size_t name_bytes, top_failure *out_failure);

#endif
