/* SPDX-License-Identifier: MIT */
/* mappings.h - memory that a library takes from the kernel itself, past malloc.
 *
 * Off unless a smallest size is set. Only private anonymous writable mappings count, from
 * their mmap until munmap, mremap or another mapping in their place, page by page; those
 * of the Go runtime do not. The allocator's own mappings are made inside the C library
 * and never come here. */
#ifndef BELAY_PROF_MAPPINGS_H
#define BELAY_PROF_MAPPINGS_H

#include <stddef.h>

/* Mappings below this size are not counted, until mremap makes them larger; SIZE_MAX, the
 * initial value, means none are. */
extern size_t prof__mappings_minimum;

#endif
