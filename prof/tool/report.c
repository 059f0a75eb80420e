/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../export/flame.h"
#include "../export/folded.h"
#include "../export/growth.h"
#include "../export/pprof.h"
#include "../export/text.h"
#include "load.h"

typedef struct report_options {
    const char *before, *pprof, *folded, *svg;
    const char *ledger;  /* of the traced process; NULL: look for it */
    const char *go_heap; /* a Go heap profile to join with pprof */
    prof_joint joint;    /* what is in it */
    unsigned int grow_seconds, watch_seconds;
    bool is_raw;
    int value; /* PROF_VALUE_* of folded and svg */
    size_t rows;
} report_options;

typedef bool (*report_fn)(
        FILE *out, const prof_profile *profile, const report_options *options);

static bool report_pprof(
        FILE *out, const prof_profile *profile, const report_options *options) {
    return prof__pprof_write(out, profile, options->go_heap ? &options->joint : NULL);
}

static bool report_folded(
        FILE *out, const prof_profile *profile, const report_options *options) {
    prof__folded_write(out, profile, options->value);
    return true;
}

static bool report_svg(
        FILE *out, const prof_profile *profile, const report_options *options) {
    return prof__flame_write(
            out, profile, options->value, profile->snapshot.header.command);
}

/* Writes one export to a file, or to stdout for "-". Returns the exit code. */
static int report_write(const char *path, const prof_profile *profile,
        const report_options *options, report_fn write) {
    bool is_stdout = strcmp(path, "-") == 0;
    bool is_good, is_memory;
    FILE *out;

    /* Emptying the trace of a running program would end the program with SIGBUS. */
    if (!is_stdout && prof__load_is_trace(path)) {
        fprintf(stderr,
                "belay-prof: %s: is a trace and stays as it is; write elsewhere\n", path);
        return 1;
    }
    out = is_stdout ? stdout : fopen(path, "wb");
    if (!out) {
        fprintf(stderr, "belay-prof: %s: %s\n", path, strerror(errno));
        return 1;
    }
    is_memory = write(out, profile, options);
    is_good = fflush(out) == 0 && !ferror(out);
    if (!is_stdout) {
        is_good = fclose(out) == 0 && is_good;
    }
    if (!is_memory || !is_good) {
        fprintf(stderr, "belay-prof: %s: %s\n", path,
                is_memory ? "cannot write all of it" : "out of memory");
        return 1;
    }
    return 0;
}

static int report_exports(const prof_profile *profile, report_options *options) {
    char problem[128];
    int code = 0;

    if (options->go_heap && !prof__joint_read(options->go_heap, &options->joint, problem,
                                    sizeof problem)) {
        fprintf(stderr, "belay-prof: %s: %s\n", options->go_heap, problem);
        return 1;
    }
    if (options->pprof) {
        code |= report_write(options->pprof, profile, options, report_pprof);
    }
    if (options->folded) {
        code |= report_write(options->folded, profile, options, report_folded);
    }
    if (options->svg) {
        code |= report_write(options->svg, profile, options, report_svg);
    }
    prof__joint_free(&options->joint);
    return code;
}

/* The exit code of a report on the standard output. */
static int report_end(int code) {
    bool is_good = fflush(stdout) == 0 && !ferror(stdout);

    if (code == 0 && !is_good) {
        fprintf(stderr, "belay-prof: standard output: cannot write all of it\n");
    }
    return is_good ? code : 1;
}

static int report_growth(
        const char *before, const char *after, const report_options *options) {
    prof_profile old = {.functions = NULL}, now = {.functions = NULL};
    bool is_good = prof__load_profile(before, false, NULL, &old);

    if (is_good && options->grow_seconds) {
        sleep(options->grow_seconds);
    }
    is_good = is_good && prof__load_profile(after, false, NULL, &now);
    if (is_good && !(is_good = prof__growth_write(stdout, &old, &now, options->rows))) {
        fprintf(stderr, "belay-prof: out of memory\n");
    }
    prof__profile_free(&old);
    prof__profile_free(&now);
    return is_good ? 0 : 1;
}

static int report_watch(const char *what, const report_options *options) {
    for (;;) {
        prof_profile profile;
        struct winsize window = {.ws_row = 24};
        bool is_good, is_screen = ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0;
        size_t rows = window.ws_row > 10 ? window.ws_row - 8u : 4;

        if (!prof__load_profile(what, false, NULL, &profile)) {
            return 1;
        }
        if (is_screen) {
            fputs("\033[H\033[2J", stdout);
        }
        is_good = prof__text_screen(
                stdout, &profile, rows < options->rows ? rows : options->rows);
        prof__profile_free(&profile);
        if (!is_good) {
            fprintf(stderr, "belay-prof: out of memory\n");
        }
        if (!is_good || report_end(0)) {
            return 1;
        }
        sleep(options->watch_seconds);
    }
}

static bool report_number(const char *text, size_t *out) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || value == 0 || value > 1000000) {
        return false;
    }
    *out = value;
    return true;
}

static bool report_value(const char *name, int *out) {
    static const char *const names[PROF_VALUES] = {[PROF_VALUE_COUNT] = "count",
            [PROF_VALUE_BYTES] = "bytes",
            [PROF_VALUE_LIVE_COUNT] = "live_count",
            [PROF_VALUE_LIVE_BYTES] = "live_bytes"};

    for (int i = 0; i < PROF_VALUES; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool report_option(int letter, const char *argument, report_options *options) {
    size_t number = 2;

    switch (letter) {
    case 'd':
        options->before = argument;
        return true;
    case 'p':
        options->pprof = argument;
        return true;
    case 'l':
        options->ledger = argument;
        return true;
    case 'h':
        options->go_heap = argument;
        return true;
    case 'f':
        options->folded = argument;
        return true;
    case 's':
        options->svg = argument;
        return true;
    case 'r':
        options->is_raw = true;
        return true;
    case 'b':
        return report_value(argument, &options->value);
    case 'n':
        return report_number(argument, &options->rows);
    case 'g':
        if (!report_number(argument, &number)) {
            return false;
        }
        options->grow_seconds = (unsigned int)number;
        return true;
    case 'w':
        if (argument && !report_number(argument, &number)) {
            return false;
        }
        options->watch_seconds = (unsigned int)number;
        return true;
    default:
        return false;
    }
}

/* Options that do not go together: 2, with a line on stderr. */
static int report_check(const report_options *options) {
    int reports = (options->before != NULL) + (options->grow_seconds > 0) +
                  (options->watch_seconds > 0) + options->is_raw +
                  (options->pprof || options->folded || options->svg);

    if (reports > 1) {
        fprintf(stderr, "belay-prof: report: one of --diff, --grow, --watch, --raw, or "
                        "the files of --pprof, --folded and --svg\n");
        return 2;
    }
    if (options->go_heap && !options->pprof) {
        fprintf(stderr, "belay-prof: report: --go-heap joins a Go heap profile into "
                        "--pprof FILE\n");
        return 2;
    }
    if (options->ledger &&
            (options->before || options->grow_seconds || options->watch_seconds)) {
        fprintf(stderr, "belay-prof: report: --ledger names types in the tables and in "
                        "--pprof FILE, not with --diff, --grow or --watch\n");
        return 2;
    }
    return 0;
}

static int report_parse(int argc, char **argv, report_options *options) {
    static const struct option names[] = {{"diff", required_argument, NULL, 'd'},
            {"pprof", required_argument, NULL, 'p'},
            {"folded", required_argument, NULL, 'f'},
            {"svg", required_argument, NULL, 's'}, {"raw", no_argument, NULL, 'r'},
            {"go-heap", required_argument, NULL, 'h'},
            {"ledger", required_argument, NULL, 'l'},
            {"by", required_argument, NULL, 'b'}, {"rows", required_argument, NULL, 'n'},
            {"grow", required_argument, NULL, 'g'},
            {"watch", optional_argument, NULL, 'w'}, {NULL, 0, NULL, 0}};
    int letter;

    while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (!report_option(letter, optarg, options)) {
            if (letter != '?') {
                fprintf(stderr,
                        "belay-prof: report: '%s' is not a value for that option\n",
                        optarg);
            }
            return 2;
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "belay-prof: report takes one trace file or process number\n");
        return 2;
    }
    return report_check(options);
}

int prof__report_command(int argc, char **argv) {
    report_options options = {.value = PROF_VALUE_LIVE_BYTES, .rows = 20};
    prof_profile profile;
    int code = report_parse(argc, argv, &options);
    const char *what;

    if (code) {
        return code;
    }
    what = argv[optind];
    if (options.before || options.grow_seconds) {
        code = report_growth(options.before ? options.before : what, what, &options);
        return report_end(code);
    }
    if (options.watch_seconds) {
        return report_watch(what, &options);
    }
    if (!prof__load_profile(what, true, options.ledger, &profile)) {
        return 1;
    }
    if (options.pprof || options.folded || options.svg) {
        code = report_exports(&profile, &options);
    } else if (options.is_raw) {
        prof__text_raw(stdout, &profile);
    } else if (!prof__text_report(stdout, &profile, options.rows)) {
        fprintf(stderr, "belay-prof: out of memory\n");
        code = 1;
    }
    prof__profile_free(&profile);
    return report_end(code);
}
