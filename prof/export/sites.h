/* SPDX-License-Identifier: MIT */
/* sites.h - a profile summed up by the lines that a reader can change.
 *
 *   build -> read -> free
 *
 * A *site* is the innermost line of the program's own Go code on a stack (package main or
 * the main module); else the innermost Go line of any package, the runtime last; else, on
 * a thread that never saw Go, the outermost C function but for libc's start of a thread.
 * A *kind* is the C function that asked the allocator. Live blocks that are Belay objects
 * are summed by type, too. Strings are borrowed from the profile. */
#ifndef BELAY_PROF_SITES_H
#define BELAY_PROF_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../resolve/profile.h"

enum { PROF_SITE_KINDS = 64, PROF_SITE_TYPES = 16 };

typedef struct prof_kind {
    const char *function;
    double values[PROF_VALUES];
} prof_kind;

typedef struct prof_site {
    const char *function;
    const char *file; /* "" when unknown */
    int64_t line;
    bool is_go;
    double values[PROF_VALUES];
    size_t sample; /* the sample with the most live bytes (most bytes when none is live)
                    */
    prof_kind kinds[PROF_SITE_KINDS];
    size_t kind_count;                 /* kinds met after the first 64 are left out */
    prof_label types[PROF_SITE_TYPES]; /* most live bytes first */
    size_t type_count;                 /* types met after the first 16 are left out */
} prof_site;

typedef struct prof_sites {
    prof_site *sites; /* most live bytes first */
    size_t count;
    double total[PROF_VALUES];
    double own[PROF_VALUES]; /* under a line of the program's own Go code */
} prof_sites;

/* Sums by Go site, or by the C function that asked. False: out of memory. */
bool prof__sites_by_go(const prof_profile *profile, prof_sites *out_sites);
bool prof__sites_by_c(const prof_profile *profile, prof_sites *out_sites);

void prof__sites_free(prof_sites *sites);

/* The C function that asked the allocator on this sample: the innermost one that is not
 * itself a wrapper of malloc, by its name. */
const char *prof__sites_asker(const prof_profile *profile, const prof_sample *sample);

/* The line a sample belongs to; NULL when it has no frames. `out_line` also when NULL. */
const prof_function *prof__sites_owner(
        const prof_profile *profile, const prof_sample *sample, int64_t *out_line);

#endif
