/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/quantity.h"

const char *prof__text_bytes(double bytes, char text[24]) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    while (fabs(bytes) >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, 24, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return text;
}

static bool text_has_go(const prof_snapshot *snapshot) {
    bool has_go = snapshot->header.flags & PROF_FLAG_GO;

    for (size_t i = 0; i < snapshot->module_count; i++) {
        has_go = has_go || snapshot->modules[i].go_text;
    }
    return has_go;
}

static void text_losses(FILE *out, const prof_snapshot *snapshot) {
    const prof_trace_header *header = &snapshot->header;
    static const char *const texts[PROF_LOSS_COUNT] = {
#define X(name, field, text) text,
            PROF_LOSS_LIST(X)
#undef X
    };
    bool is_any = false;

    for (int i = 0; i < PROF_LOSS_COUNT; i++) {
        uint64_t count = header->losses[i];

        if (count) {
            fprintf(out, "lost: %" PRIu64 " %s\n", count, texts[i]);
            is_any = true;
        }
    }
    if (!is_any) {
        fprintf(out, "lost: nothing\n");
    }
    if (!text_has_go(snapshot)) {
        fprintf(out,
                "note: the program itself is not Go; `belay-prof run --follow` records "
                "those it starts\n");
    }
    if (header->flags & PROF_FLAG_BYPASSED) {
        fprintf(out,
                "warning: the program defines its own malloc, which a preloaded library\n"
                "         cannot come before: its allocations were not seen\n");
    }
}

static double text_percent(double part, double whole) {
    return whole > 0 ? 100 * part / whole : 0;
}

/* Live bytes whose stack was cut off, or that have none. */
static double text_incomplete(const prof_profile *profile) {
    double bytes = 0;

    for (size_t i = 0; i < profile->sample_count; i++) {
        if (profile->samples[i].flags) {
            bytes += profile->samples[i].values[PROF_VALUE_LIVE_BYTES];
        }
    }
    return bytes;
}

/* A short program may end before the first sample: then nothing is not "no leak". */
static void text_few(FILE *out, const prof_snapshot *snapshot) {
    enum { TEXT_SAMPLES_FEW = 30 /* a sum is off by a fifth, one time in three */ };

    uint64_t samples = 0;

    for (size_t i = 0; i < snapshot->stack_count; i++) {
        samples += snapshot->stacks[i].samples;
    }
    if (snapshot->header.period_bytes > 1 && samples < TEXT_SAMPLES_FEW) {
        fprintf(out,
                "note: only %" PRIu64 " sampled allocations stand behind all values; "
                "`belay-prof run`\n      with a smaller --every, or with --all, tells "
                "more\n",
                samples);
    }
}

static void text_head(FILE *out, const prof_profile *profile, const prof_sites *sites) {
    const prof_trace_header *header = &profile->snapshot.header;
    char live[24], all[24], period[24];

    fprintf(out, "belay-prof: %s (pid %" PRIu64 "), ", header->command, header->pid);
    if (header->period_bytes == 1) {
        fprintf(out, "every allocation\n");
    } else {
        fprintf(out, "one sample each %s, values estimated\n",
                prof__text_bytes((double)header->period_bytes, period));
    }
    fprintf(out, "live %s in %.0f blocks; allocated in all %s in %.0f blocks\n",
            prof__text_bytes(sites->total[PROF_VALUE_LIVE_BYTES], live),
            sites->total[PROF_VALUE_LIVE_COUNT],
            prof__text_bytes(sites->total[PROF_VALUE_BYTES], all),
            sites->total[PROF_VALUE_COUNT]);
    fprintf(out,
            "%.3f %% of the live bytes are under a line of the program's own Go code\n",
            text_percent(sites->own[PROF_VALUE_LIVE_BYTES],
                    sites->total[PROF_VALUE_LIVE_BYTES]));
    fprintf(out, "%.3f %% of them have a stack that ends early\n",
            text_percent(text_incomplete(profile), sites->total[PROF_VALUE_LIVE_BYTES]));
    if (*profile->ledger) {
        fprintf(out,
                "ledger: %zu objects open, %zu of them in blocks of this trace (%s)\n",
                profile->object_count, profile->object_blocks, profile->ledger);
    }
    text_few(out, &profile->snapshot);
    text_losses(out, &profile->snapshot);
    if (profile->changed_modules) {
        fprintf(out,
                "warning: %zu files changed since the program ran and give no names\n",
                profile->changed_modules);
    }
}

enum { TEXT_NAME_BYTES = 104 };

/* A name for a line of a table: what C++ templates are called can fill a screen. */
static const char *text_name(const char *name, char cut[TEXT_NAME_BYTES]) {
    if (strlen(name) < TEXT_NAME_BYTES) {
        return name;
    }
    snprintf(cut, TEXT_NAME_BYTES, "%.*s...", TEXT_NAME_BYTES - 4, name);
    return cut;
}

/* A list that breaks its lines between items. */
typedef struct text_list {
    FILE *out;
    size_t column;
} text_list;

static void text_item(text_list *list, const char *item) {
    enum { TEXT_INDENT = 8, TEXT_COLUMNS = 110 };

    if (list->column == 0) {
        list->column = (size_t)fprintf(list->out, "%*s%s", TEXT_INDENT, "", item);
    } else if (list->column + strlen(item) + 3 > TEXT_COLUMNS) {
        list->column =
                (size_t)fprintf(list->out, "\n%*s < %s", TEXT_INDENT, "", item) - 1;
    } else {
        list->column += (size_t)fprintf(list->out, " < %s", item);
    }
}

/* The way from the C function that asked up to main, without the glue between C and Go:
 * Go frames with their lines, C frames by name. */
static void text_way(FILE *out, const prof_profile *profile, const prof_sample *sample) {
    const char *asker = prof__sites_asker(profile, sample), *last = NULL;
    bool has_begun = false;
    text_list list = {.out = out};
    char item[512], cut[TEXT_NAME_BYTES];

    for (uint32_t i = 0; i < sample->place_count; i++) {
        const prof_place *place =
                &profile->places[profile->sample_places[sample->place_at + i]];

        for (uint32_t j = 0; j < place->line_count; j++) {
            const prof_line *line = &profile->lines[place->line_at + j];
            const prof_function *function = &profile->functions[line->function];

            has_begun = has_begun || function->is_go || function->name == asker;
            if (!has_begun || prof__profile_is_glue(function) || function->name == last) {
                continue;
            }
            last = function->is_go ? NULL : function->name;
            if (function->is_go) {
                snprintf(item, sizeof item, "%s %s:%" PRId64, function->name,
                        prof__profile_base(function->file), line->line);
            }
            text_item(&list, function->is_go ? item : text_name(function->name, cut));
        }
    }
    if (list.column) {
        fputc('\n', out);
    }
}

static void text_kinds(FILE *out, const prof_site *site) {
    for (size_t i = 0; i < site->kind_count && i < 4; i++) {
        const prof_kind *kind = &site->kinds[i];
        double count = kind->values[PROF_VALUE_LIVE_COUNT];
        char each[24], cut[TEXT_NAME_BYTES];

        if (count > 0) {
            fprintf(out, "        %.0f live from %s, %s each\n", count,
                    text_name(kind->function, cut),
                    prof__text_bytes(kind->values[PROF_VALUE_LIVE_BYTES] / count, each));
        }
    }
}

/* Which of the live blocks are open objects of Belay's. */
static void text_types(FILE *out, const prof_site *site) {
    for (size_t i = 0; i < site->type_count && i < 4; i++) {
        const prof_label *type = &site->types[i];
        char bytes[24], age[TOP_QUANTITY_BYTES];

        top_quantity_duration(age, type->oldest_ms);
        fprintf(out, "        %.0f live are %s, %s, the oldest open for %s\n",
                type->count, type->type, prof__text_bytes(type->bytes, bytes), age);
    }
}

static void text_site(FILE *out, const prof_site *site) {
    char cut[TEXT_NAME_BYTES];

    fputs(site->is_go ? site->function : text_name(site->function, cut), out);
    if (*site->file) {
        fprintf(out, " %s:%" PRId64, site->file, site->line);
    }
    fprintf(out, "\n");
}

static void text_row(FILE *out, const prof_sites *sites, const prof_site *site) {
    char live[24], all[24];

    fprintf(out, "%11s %5.1f%% %11.0f %11s %11.0f  ",
            prof__text_bytes(site->values[PROF_VALUE_LIVE_BYTES], live),
            text_percent(site->values[PROF_VALUE_LIVE_BYTES],
                    sites->total[PROF_VALUE_LIVE_BYTES]),
            site->values[PROF_VALUE_LIVE_COUNT],
            prof__text_bytes(site->values[PROF_VALUE_BYTES], all),
            site->values[PROF_VALUE_COUNT]);
    text_site(out, site);
}

static void text_table(FILE *out, const char *title, const prof_profile *profile,
        const prof_sites *sites, size_t rows, bool is_by_go) {
    fprintf(out, "\n%s\n%11s %6s %11s %11s %11s  %s\n", title, "live bytes", "",
            "live blocks", "all bytes", "all blocks",
            is_by_go ? "Go line" : "C function");
    for (size_t i = 0; i < sites->count && i < rows; i++) {
        text_row(out, sites, &sites->sites[i]);
        if (is_by_go) {
            text_kinds(out, &sites->sites[i]);
            text_types(out, &sites->sites[i]);
            text_way(out, profile, &profile->samples[sites->sites[i].sample]);
        }
    }
    if (sites->count > rows) {
        fprintf(out, "%11s %zu more (--rows=N shows N)\n", "...", sites->count - rows);
    }
}

bool prof__text_report(FILE *out, const prof_profile *profile, size_t rows) {
    prof_sites by_go = {.sites = NULL}, by_c = {.sites = NULL};
    bool is_good = prof__sites_by_go(profile, &by_go) && prof__sites_by_c(profile, &by_c);

    if (is_good) {
        text_head(out, profile, &by_go);
        text_table(out, "BY GO CALL SITE", profile, &by_go, rows, true);
        text_table(out, "BY C FUNCTION", profile, &by_c, rows, false);
    }
    prof__sites_free(&by_go);
    prof__sites_free(&by_c);
    return is_good;
}

bool prof__text_screen(FILE *out, const prof_profile *profile, size_t rows) {
    prof_sites sites;

    if (!prof__sites_by_go(profile, &sites)) {
        return false;
    }
    text_head(out, profile, &sites);
    fprintf(out, "\n%11s %6s %11s %11s %11s  %s\n", "live bytes", "", "live blocks",
            "all bytes", "all blocks", "Go line");
    for (size_t i = 0; i < sites.count && i < rows; i++) {
        text_row(out, &sites, &sites.sites[i]);
    }
    prof__sites_free(&sites);
    return true;
}

/* Frames are separated by blanks, and the names of C++ and of Go's generics have some. */
static void text_raw_name(FILE *out, const char *name) {
    for (; *name; name++) {
        fputc(*name == ' ' ? '_' : *name, out);
    }
}

void prof__text_raw(FILE *out, const prof_profile *profile) {
    for (size_t s = 0; s < profile->sample_count; s++) {
        const prof_sample *sample = &profile->samples[s];

        fprintf(out, "%.3f %.0f %.3f %.0f\t", sample->values[PROF_VALUE_COUNT],
                sample->values[PROF_VALUE_BYTES], sample->values[PROF_VALUE_LIVE_COUNT],
                sample->values[PROF_VALUE_LIVE_BYTES]);
        for (uint32_t i = 0; i < sample->place_count; i++) {
            const prof_place *place =
                    &profile->places[profile->sample_places[sample->place_at + i]];

            for (uint32_t j = 0; j < place->line_count; j++) {
                const prof_line *line = &profile->lines[place->line_at + j];
                const prof_function *function = &profile->functions[line->function];

                fputs(i + j ? " " : "", out);
                text_raw_name(out, function->name);
                fputc(':', out);
                text_raw_name(out, prof__profile_base(function->file));
                fprintf(out, ":%" PRId64, line->line);
            }
        }
        fprintf(out, "\n");
    }
}
