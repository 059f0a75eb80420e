/* SPDX-License-Identifier: MIT */
/* mappings.h - memory that a library takes from the kernel itself, past malloc.
 *
 * Off unless a smallest size is set. Only private anonymous writable mappings count, from
 * their mmap to the munmap of the same address; those of the Go runtime do not. The
 * allocator's own mappings are made inside the C library and never come here. */
#ifndef BELAY_PROF_MAPPINGS_H
#define BELAY_PROF_MAPPINGS_H

#include <stddef.h>

/* Mappings below this size are left alone; SIZE_MAX, the initial value, means all. */
extern size_t prof__mappings_minimum;

#endif
