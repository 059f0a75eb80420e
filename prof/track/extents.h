/* SPDX-License-Identifier: MIT */
/* extents.h - which addresses hold memory that the program has mapped for itself.
 *
 *   add (after mmap) -> cut (after munmap, mremap, or a mapping put over it)
 *
 * An extent is *noted* when it is also in the table of live blocks, which cut keeps up to
 * date. Any thread, but only inside the recorder: a signal handler must not come in. */
#ifndef BELAY_PROF_EXTENTS_H
#define BELAY_PROF_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A range of addresses. */
typedef struct prof_pages {
    uintptr_t start;
    size_t bytes;
} prof_pages;

/* Samples one in so many bytes from now on. */
void prof__extents_init(uint64_t period_bytes);

/* In a forked child: its trace begins with none. */
void prof__extents_forget(void);

/* The number of the newest extent. */
uint64_t prof__extents_newest(void);

/* True when one begins at or reaches over `address`. */
bool prof__extents_has(uintptr_t address);

/* Adds what was just mapped. False, and a counted loss: there is no room. */
bool prof__extents_add(prof_pages pages, bool is_noted);

/* Takes the pages out of the extents up to number `newest`: once the kernel has them
 * back, another thread may have got them, and its extent is newer. What is left of an
 * extent on either side becomes one of its own, with the stack of the whole; in a sample
 * by chance, which `random` decides. A hole makes two blocks of one, and counts as an
 * allocation of no bytes. */
void prof__extents_cut(prof_pages pages, uint64_t newest, uint64_t random);

#endif
