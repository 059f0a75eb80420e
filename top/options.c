/* SPDX-License-Identifier: MIT */
/* options.c - the command line. */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "belay/export.h"

/* argp looks for it by name: hidden, as all else is here, it would not be found. */
__attribute__((visibility("default"))) const char *argp_program_version =
        "belay-top " BELAY_VERSION;

enum {
    OPTIONS_ONCE = 256,
    OPTIONS_ROWS,
    OPTIONS_TYPE,
    OPTIONS_SORT,
    OPTIONS_LIMIT,
    OPTIONS_JSON,
    OPTIONS_NO_HEADER
};

static const struct argp_option options_list[] = {
        {"once", OPTIONS_ONCE, NULL, 0,
                "Print once and end (as when the output is no terminal)", 0},
        {"rows", OPTIONS_ROWS, NULL, 0, "List every open object with its parent", 0},
        {"type", OPTIONS_TYPE, "NAME", 0, "Only objects and reports of this type", 0},
        {"sort", OPTIONS_SORT, "KEY", 0,
                "Biggest first by bytes (default), count (with --rows: borrows) or age",
                0},
        {"limit", OPTIONS_LIMIT, "N", 0, "At most N lines of each list (all; 20 reports)",
                0},
        {"json", OPTIONS_JSON, NULL, 0, "Print one JSON document, and end", 0},
        {"no-header", OPTIONS_NO_HEADER, NULL, 0,
                "Only the lines of the lists, without titles", 0},
        {0}};

static size_t options_limit(const char *text, struct argp_state *state) {
    char *end;
    errno = 0;
    unsigned long limit = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || limit == 0) {
        argp_error(state, "--limit needs a number from 1, not '%s'", text);
    }
    return limit;
}

static top_sort options_sort(const char *text, struct argp_state *state) {
    for (int sort = 0; sort < TOP_SORT_COUNT_OF; sort++) {
        if (strcmp(text, top_sort_word((top_sort)sort)) == 0) {
            return (top_sort)sort;
        }
    }
    argp_error(state, "--sort knows bytes, count and age, not '%s'", text);
    return TOP_SORT_BYTES;
}

static error_t options_parse(int key, char *argument, struct argp_state *state) {
    top_options *options = state->input;
    switch (key) {
    case OPTIONS_ONCE:
        options->is_once = true;
        return 0;
    case OPTIONS_ROWS:
        options->choice.is_each_object = true;
        return 0;
    case OPTIONS_TYPE:
        options->choice.type = argument;
        return 0;
    case OPTIONS_SORT:
        options->choice.sort = options_sort(argument, state);
        return 0;
    case OPTIONS_LIMIT:
        options->choice.limit = options_limit(argument, state);
        return 0;
    case OPTIONS_JSON:
        options->is_json = true;
        return 0;
    case OPTIONS_NO_HEADER:
        options->choice.is_without_header = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->target) {
            argp_error(state, "one FILE or PID at a time, not '%s' too", argument);
        }
        options->target = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(
                state, "give a ledger's FILE, or the PID of a program that uses Belay");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void top_options_read(top_options *out_options, int argument_count, char **arguments) {
    static const struct argp parser = {options_list, options_parse, "FILE|PID",
            "Shows what a program that uses Belay holds open, by type and opening line: "
            "a live "
            "one by its PID, a live or a dead one by its ledger's FILE (BELAY_LEDGER).\v"
            "Exit codes: 0 fine; 1 nothing to read, or a damaged ledger; 2 wrong usage.",
            NULL, NULL, NULL};
    *out_options = (top_options){.choice.limit = SIZE_MAX};
    argp_err_exit_status = TOP_EXIT_USAGE;
    if (argp_parse(&parser, argument_count, arguments, 0, NULL, out_options) != 0) {
        exit(TOP_EXIT_USAGE);
    }
}
