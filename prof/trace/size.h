/* SPDX-License-Identifier: MIT */
/* size.h - a number as people give it to the recorder: 65536, 64k, 64KiB.
 *
 * One reader for the options of the tool and the environment of the recorder. Pure
 * functions, safe everywhere; libc's strings only. */
#ifndef BELAY_PROF_SIZE_H
#define BELAY_PROF_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* What is accepted, for messages. */
#define PROF_SIZE_FORMS                                                                  \
    "a whole number above 0, also with k, M or G, or KiB, MiB or GiB (64k, 64KiB: "      \
    "65536)"

/* The rooms for live blocks that there are, for messages. */
#define PROF_SIZE_ROOM_FORMS "a power of two from 1024 to 134217728 (128M)"

/* Reads all of `text`: digits, and perhaps a unit, a power of 1024. False: it is no such
 * number, or 0, or beyond PROF_SIZE_MAX. */
bool prof__size_parse(const char *text, uint64_t *out_number);

/* True when a table of live blocks can have that many. */
bool prof__size_is_room(uint64_t blocks);

#endif
