/* SPDX-License-Identifier: MIT */
/* gotable.h - names, files, lines and inlined calls of Go code, from the table that every
 * Go program carries for its own tracebacks (pclntab). It survives stripping, and it is
 * right where DWARF readers are not.
 *
 * Layout of Go 1.20 to 1.27. Every read is bounds-checked. Not thread-safe. */
#ifndef BELAY_PROF_GOTABLE_H
#define BELAY_PROF_GOTABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "image.h"

typedef struct prof_gotable {
    const prof_image *image; /* borrowed */
    uint64_t text, etext;    /* addresses in the file */
    uint64_t gofunc;
    uint64_t names, units, files, values, functions; /* addresses of the table's parts */
    uint64_t function_count;
    uint8_t quantum; /* bytes of the processor's smallest instruction: 1 or 4 */
} prof_gotable;

/* Reads the head of the table. All addresses are those of the file, without bias. False:
 * no table of the known layout there. */
bool prof__gotable_open(const prof_image *image, uint64_t text, uint64_t etext,
        uint64_t gofunc, uint64_t pclntab, prof_gotable *out_table);

/* Gives the frames at `address`, which lies inside the call instruction, not behind it.
 * False: no Go function there; nothing was received. */
bool prof__gotable_resolve(
        const prof_gotable *table, uint64_t address, prof_frame_fn receive, void *data);

#endif
