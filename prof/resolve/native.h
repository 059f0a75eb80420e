/* SPDX-License-Identifier: MIT */
/* native.h - names, files, lines and inlined calls of C code, by libdw: DWARF where there
 * is some (also in separate debug files, by build id or debuglink), else ELF symbols.
 *
 *   open (one for each mapped file) -> resolve -> close
 *
 * Not thread-safe. */
#ifndef BELAY_PROF_NATIVE_H
#define BELAY_PROF_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

typedef struct prof_native prof_native;

/* Opens the file at `path` as if mapped with `bias`. NULL: not an ELF file, or no memory.
 */
prof_native *prof__native_open(const char *path, uint64_t bias);

/* Closes; NULL is allowed. */
void prof__native_close(prof_native *native);

/* Gives the frames at the mapped `address`. False: nothing is known; nothing received. */
bool prof__native_resolve(
        prof_native *native, uint64_t address, prof_frame_fn receive, void *data);

#endif
