/* SPDX-License-Identifier: MIT */
#include "sites.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../resolve/interner.h"

static const char sites_lost[] = "(stack not recorded)";

const char *prof__sites_asker(const prof_profile *profile, const prof_sample *sample) {
    static const char *const wrappers[] = {
            "alloc", "strdup", "strndup", "_cgo_", "operator new"};
    const char *asker = sites_lost;

    for (uint32_t i = 0; i < sample->place_count; i++) {
        const prof_place *place =
                &profile->places[profile->sample_places[sample->place_at + i]];

        for (uint32_t j = 0; j < place->line_count; j++) {
            const prof_function *function =
                    &profile->functions[profile->lines[place->line_at + j].function];
            bool is_wrapper = false;

            if (function->is_go) {
                return asker;
            }
            for (size_t k = 0; k < sizeof wrappers / sizeof *wrappers; k++) {
                is_wrapper |= strcasestr(function->name, wrappers[k]) != NULL;
            }
            asker = function->name;
            if (!is_wrapper) {
                return asker;
            }
        }
    }
    return asker;
}

/* The runtime's own way into C: below it is the function that took it. */
static bool sites_is_crossing(const prof_function *function) {
    return strcmp(function->name, "runtime.asmcgocall") == 0 ||
           strcmp(function->name, "runtime.cgocall") == 0;
}

/* How libc begins a thread or a program, by names that are there with its debug symbols
 * only: the function that it then calls says more. */
static bool sites_is_beginning(const prof_function *function) {
    static const char *const names[] = {"start_thread", "__clone3", "clone3", "__clone",
            "clone", "__libc_start_call_main", "__libc_start_main_impl",
            "__libc_start_main@@GLIBC_2.34", "_start"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(function->name, names[i]) == 0) {
            return !function->is_go;
        }
    }
    return strncmp(function->name, "libc.so.6+0x", strlen("libc.so.6+0x")) == 0;
}

const prof_function *prof__sites_owner(
        const prof_profile *profile, const prof_sample *sample, int64_t *out_line) {
    const prof_function *go = NULL, *runtime = NULL, *last = NULL;
    int64_t go_line = 0, runtime_line = 0, last_line = 0;

    *out_line = 0;
    for (uint32_t i = 0; i < sample->place_count; i++) {
        const prof_place *place =
                &profile->places[profile->sample_places[sample->place_at + i]];

        for (uint32_t j = 0; j < place->line_count; j++) {
            const prof_line *line = &profile->lines[place->line_at + j];
            const prof_function *function = &profile->functions[line->function];

            if (prof__profile_is_own(profile, function)) {
                *out_line = line->line;
                return function;
            }
            if (!go && function->is_go && !prof__profile_is_glue(function)) {
                go = function;
                go_line = line->line;
            }
            if (!runtime && function->is_go && !sites_is_crossing(function)) {
                runtime = function;
                runtime_line = line->line;
            }
            if (!last || !sites_is_beginning(function)) {
                last = function;
                last_line = line->line;
            }
        }
    }
    *out_line = go ? go_line : runtime ? runtime_line : last_line;
    return go ? go : runtime ? runtime : last;
}

static void sites_add(double into[PROF_VALUES], const double values[PROF_VALUES]) {
    for (int i = 0; i < PROF_VALUES; i++) {
        into[i] += values[i];
    }
}

/* Most live bytes first; then most bytes ever. */
static int sites_order(const double a[PROF_VALUES], const double b[PROF_VALUES]) {
    if (a[PROF_VALUE_LIVE_BYTES] != b[PROF_VALUE_LIVE_BYTES]) {
        return a[PROF_VALUE_LIVE_BYTES] < b[PROF_VALUE_LIVE_BYTES] ? 1 : -1;
    }
    return (a[PROF_VALUE_BYTES] < b[PROF_VALUE_BYTES]) -
           (a[PROF_VALUE_BYTES] > b[PROF_VALUE_BYTES]);
}

static int sites_compare(const void *a, const void *b) {
    return sites_order(((const prof_site *)a)->values, ((const prof_site *)b)->values);
}

static void sites_add_kind(prof_site *site, const char *function, const double *values) {
    prof_kind *kind = NULL;

    for (size_t i = 0; i < site->kind_count; i++) {
        if (site->kinds[i].function == function) {
            kind = &site->kinds[i];
        }
    }
    if (!kind && site->kind_count < PROF_SITE_KINDS) {
        kind = &site->kinds[site->kind_count++];
        kind->function = function;
    }
    if (kind) {
        sites_add(kind->values, values);
        for (; kind > site->kinds && sites_order(kind->values, kind[-1].values) < 0;
                kind--) {
            prof_kind swap = *kind;

            *kind = kind[-1];
            kind[-1] = swap;
        }
    }
}

static void sites_add_type(prof_site *site, const prof_label *label) {
    prof_label *type = NULL;

    for (size_t i = 0; i < site->type_count; i++) {
        if (site->types[i].type == label->type) {
            type = &site->types[i];
        }
    }
    if (!type && site->type_count < PROF_SITE_TYPES) {
        type = &site->types[site->type_count++];
        type->type = label->type;
    }
    if (!type) {
        return;
    }
    type->count += label->count;
    type->bytes += label->bytes;
    type->oldest_ms =
            label->oldest_ms > type->oldest_ms ? label->oldest_ms : type->oldest_ms;
    for (; type > site->types && type->bytes > type[-1].bytes; type--) {
        prof_label swap = *type;

        *type = type[-1];
        type[-1] = swap;
    }
}

static bool sites_build(const prof_profile *profile, bool is_by_go, prof_sites *out) {
    prof_sites sites = {.sites = calloc(profile->sample_count + 1, sizeof(prof_site))};
    prof_interner *keys = prof__interner_create();
    bool is_good = sites.sites && keys;

    for (size_t i = 0; is_good && i < profile->sample_count; i++) {
        const prof_sample *sample = &profile->samples[i];
        const char *asker = prof__sites_asker(profile, sample);
        int64_t line;
        const prof_function *owner = prof__sites_owner(profile, sample, &line);
        uintptr_t key = is_by_go ? (uintptr_t)owner : (uintptr_t)asker;
        uint32_t *number = prof__interner_pair(keys, key, is_by_go ? (uint64_t)line : 0);
        prof_site *site;

        if (!(is_good = number != NULL)) {
            break;
        }
        if (*number == 0) {
            *number = (uint32_t)++sites.count;
            site = &sites.sites[*number - 1];
            site->sample = i;
            site->function = !is_by_go ? asker : owner ? owner->name : sites_lost;
            site->file = is_by_go && owner ? owner->file : "";
            site->line = is_by_go ? line : 0;
            site->is_go = is_by_go && owner && owner->is_go;
        }
        site = &sites.sites[*number - 1];
        sites_add(site->values, sample->values);
        sites_add(sites.total, sample->values);
        if (owner && prof__profile_is_own(profile, owner)) {
            sites_add(sites.own, sample->values);
        }
        sites_add_kind(site, asker, sample->values);
        for (size_t j = 0; j < sample->label_count; j++) {
            sites_add_type(site, &profile->labels[sample->label_at + j]);
        }
        if (sites_order(sample->values, profile->samples[site->sample].values) < 0) {
            site->sample = i;
        }
    }
    prof__interner_destroy(keys);
    if (!is_good) {
        prof__sites_free(&sites);
        return false;
    }
    qsort(sites.sites, sites.count, sizeof *sites.sites, sites_compare);
    *out = sites;
    return true;
}

bool prof__sites_by_go(const prof_profile *profile, prof_sites *out_sites) {
    return sites_build(profile, true, out_sites);
}

bool prof__sites_by_c(const prof_profile *profile, prof_sites *out_sites) {
    return sites_build(profile, false, out_sites);
}

void prof__sites_free(prof_sites *sites) {
    free(sites->sites);
    *sites = (prof_sites){.sites = NULL};
}
