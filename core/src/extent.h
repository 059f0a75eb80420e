/* SPDX-License-Identifier: MIT */
/* extent.h - the rows of many objects, in large pages of the ledger's file where the
 * system has such pages. Under the ledger's lock. */
#ifndef BELAY__EXTENT_H
#define BELAY__EXTENT_H

#include <stddef.h>
#include <stdint.h>

#include "platform.h"

/* Bytes of rows that come without: a small program must not take a large page. */
#ifndef BELAY__EXTENT_AFTER
#define BELAY__EXTENT_AFTER BELAY__MEMORY_LARGE
#endif

/* Maps `bytes` of the file for rows, as many at each call, with memory behind them, and
 * moves `end`, the bytes in use, when it takes more. Not 0: no extent is to be had, an
 * errno; memory of the usual kind may be. errno stays the program's, but where the file
 * is full. */
int belay__extent_map(
        int fd, uint64_t *end, size_t bytes, uint64_t *out_offset, void **out_address);

/* In the child of a fork: lets go what no rows are in, which is of its parent's file. */
void belay__extent_drop(void);

#endif
