/* SPDX-License-Identifier: MIT */
#include "growth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sites.h"
#include "text.h"

typedef struct growth_row {
    const prof_site *site;
    double bytes, blocks; /* after - before */
    double live_bytes;    /* after */
} growth_row;

static int growth_same_place(const void *a, const void *b) {
    const prof_site *x = a, *y = b;
    int order = strcmp(x->function, y->function);

    order = order ? order : strcmp(x->file, y->file);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static int growth_most(const void *a, const void *b) {
    const growth_row *x = a, *y = b;

    return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

/* Joins two lists sorted by place. Returns how many rows differ. */
static size_t growth_join(
        const prof_sites *before, const prof_sites *after, growth_row *rows) {
    size_t count = 0, i = 0, j = 0;

    while (i < before->count || j < after->count) {
        const prof_site *old = i < before->count ? &before->sites[i] : NULL;
        const prof_site *now = j < after->count ? &after->sites[j] : NULL;
        int order = !old ? 1 : !now ? -1 : growth_same_place(old, now);
        growth_row row = {.site = order < 0 ? old : now};

        if (order <= 0) {
            row.bytes -= old->values[PROF_VALUE_LIVE_BYTES];
            row.blocks -= old->values[PROF_VALUE_LIVE_COUNT];
            i++;
        }
        if (order >= 0) {
            row.bytes += now->values[PROF_VALUE_LIVE_BYTES];
            row.blocks += now->values[PROF_VALUE_LIVE_COUNT];
            row.live_bytes = now->values[PROF_VALUE_LIVE_BYTES];
            j++;
        }
        if (row.bytes != 0 || row.blocks != 0) {
            rows[count++] = row;
        }
    }
    return count;
}

static void growth_print(FILE *out, const growth_row *rows, size_t count, size_t limit) {
    char grown[24], live[24];

    fprintf(out, "%12s %12s %12s  %s\n", "live bytes +", "blocks +", "live bytes",
            "Go line");
    for (size_t i = 0; i < count && i < limit; i++) {
        const prof_site *site = rows[i].site;

        fprintf(out, "%12s %12.0f %12s  %s", prof__text_bytes(rows[i].bytes, grown),
                rows[i].blocks, prof__text_bytes(rows[i].live_bytes, live),
                site->function);
        if (*site->file) {
            fprintf(out, " %s:%" PRId64, site->file, site->line);
        }
        fputc('\n', out);
    }
    if (count == 0) {
        fprintf(out, "nothing grew or shrank\n");
    }
}

bool prof__growth_write(
        FILE *out, const prof_profile *before, const prof_profile *after, size_t rows) {
    prof_sites old = {.sites = NULL}, now = {.sites = NULL};
    growth_row *list = NULL;
    double seconds = 0;
    bool is_good = prof__sites_by_go(before, &old) && prof__sites_by_go(after, &now);

    if (is_good) {
        list = calloc(old.count + now.count + 1, sizeof *list);
        is_good = list != NULL;
    }
    if (is_good) {
        char bytes[24];
        size_t count;

        qsort(old.sites, old.count, sizeof *old.sites, growth_same_place);
        qsort(now.sites, now.count, sizeof *now.sites, growth_same_place);
        count = growth_join(&old, &now, list);
        qsort(list, count, sizeof *list, growth_most);
        fprintf(out, "live bytes changed by %s",
                prof__text_bytes(now.total[PROF_VALUE_LIVE_BYTES] -
                                         old.total[PROF_VALUE_LIVE_BYTES],
                        bytes));
        if (before->snapshot.taken_ns) {
            seconds = ((double)after->snapshot.taken_ns -
                              (double)before->snapshot.taken_ns) /
                      1e9;
        }
        if (before->snapshot.header.pid == after->snapshot.header.pid && seconds > 0.01) {
            fprintf(out, " in %.1f s", seconds);
        }
        fputc('\n', out);
        growth_print(out, list, count, rows);
    }
    free(list);
    prof__sites_free(&old);
    prof__sites_free(&now);
    return is_good;
}
