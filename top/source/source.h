/* SPDX-License-Identifier: MIT */
/* source.h - the bytes of a ledger, from a file or from a live process.
 *
 *   open -> size/read (any number) -> close
 *
 * The bytes are read, never mapped: a file that shrinks meanwhile gives short reads,
 * where a map would give SIGBUS. */
#ifndef TOP_SOURCE_SOURCE_H
#define TOP_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/failure.h"

typedef struct top_source {
    int fd;
    int32_t pid;     /* the process it was found in; 0: opened by its path */
    char name[4096]; /* for people */
} top_source;

/* Opens `target`: a pid when it is all digits, else a path. The caller closes the source.
 */
bool top_source_open(
        top_source *out_source, const char *target, top_failure *out_failure);

/* Returns the number of bytes there are now. */
uint64_t top_source_size(const top_source *source);

/* Reads up to `length` bytes from `offset`. Returns how many there were. */
size_t top_source_read(
        const top_source *source, uint64_t offset, void *out_bytes, size_t length);

void top_source_close(top_source *source);

#endif
