/* SPDX-License-Identifier: MIT */
/* modules.h - which ELF files were mapped where, noted when an address of theirs is met.
 *
 * Lazy, by glibc's lock-free _dl_find_object: no loader lock is ever taken from inside
 * malloc, and a library opened later by dlopen needs no hook. Any thread, never
 * allocates. */
#ifndef BELAY_PROF_MODULES_H
#define BELAY_PROF_MODULES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct prof_module_code {
    uint32_t number;     /* tells apart what was mapped at one place at different times */
    uint64_t start, end; /* mapped range */
    const uint8_t *eh_frame_hdr; /* NULL: no unwind tables */
} prof_module_code;

/* Finds the module of `pc` and puts it into the trace if it is new. False: no module. */
bool prof__modules_find(uint64_t pc, prof_module_code *out_code);

/* Notes that a library was unloaded: addresses may mean another library from now on. */
void prof__modules_unloaded(void);

/* In a forked child: a thread that is gone may have been inside. */
void prof__modules_forget(void);

/* The number of unloadings so far; what was learned of addresses before one is void. */
uint64_t prof__modules_unloads(void);

#endif
