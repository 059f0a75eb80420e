/* SPDX-License-Identifier: MIT */
/* main.c - belay-top: shows what a program that uses Belay holds open.
 *
 * source (bytes) -> snapshot (checked, in private memory) -> view (text or JSON) */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "options.h"
#include "screen.h"
#include "snapshot/snapshot.h"
#include "source/source.h"
#include "view/json.h"
#include "view/listing.h"
#include "view/text.h"

#define MAIN_INTERVAL_S 2

static int main_complain(const char *text) {
    fprintf(stderr, "belay-top: %s\n", text);
    return TOP_EXIT_UNREADABLE;
}

/* Prints a snapshot to `file`. Returns the exit code. */
static int main_print(FILE *file, const top_snapshot *snapshot,
        const top_options *options, const char *source_name) {
    top_listing listing;
    if (options->choice.type && !top_listing_has_type(snapshot, options->choice.type)) {
        fprintf(stderr,
                "belay-top: %s: no type is called '%s'; without --type all are shown\n",
                source_name, options->choice.type);
        return TOP_EXIT_UNREADABLE;
    }
    if (!top_listing_init(&listing, snapshot, &options->choice)) {
        return main_complain("out of memory; --type shows fewer objects");
    }
    if (options->is_json) {
        top_json_print(file, &listing, source_name);
    } else {
        top_text_print(file, &listing, source_name);
    }
    top_listing_fini(&listing);
    return TOP_EXIT_FINE;
}

static int main_once(const top_source *source, const top_options *options) {
    top_snapshot snapshot;
    top_failure failure;
    if (!top_snapshot_take(&snapshot, source, &failure)) {
        return main_complain(failure.text);
    }
    int code = main_print(stdout, &snapshot, options, source->name);
    if (code == TOP_EXIT_FINE && snapshot.notes.damage > 0) {
        fprintf(stderr,
                "belay-top: %s: the ledger is damaged; what could be read is shown\n",
                source->name);
        code = TOP_EXIT_UNREADABLE;
    }
    top_snapshot_fini(&snapshot);
    return code;
}

/* Shows one frame on the terminal. Returns the exit code; *out_is_running: show another.
 */
static int main_frame(
        const top_source *source, const top_options *options, bool *out_is_running) {
    top_snapshot snapshot;
    top_failure failure;
    char *text = NULL;
    size_t text_bytes = 0;
    size_t rows;
    size_t columns;
    if (!top_snapshot_take(&snapshot, source, &failure)) {
        return main_complain(failure.text);
    }
    *out_is_running = top_life_is_running(snapshot.life);
    FILE *memory = open_memstream(&text, &text_bytes);
    int code = memory ? main_print(memory, &snapshot, options, source->name)
                      : main_complain("out of memory");
    if (memory && fclose(memory) == 0 && code == TOP_EXIT_FINE) {
        top_screen_size(stdout, &rows, &columns);
        top_screen_show(stdout, text, rows, columns);
    }
    free(text);
    top_snapshot_fini(&snapshot);
    return code;
}

/* Refreshes until the program ends; its last state stays on the screen. */
static int main_watch(const top_source *source, const top_options *options) {
    bool is_running = false;
    fputs("\x1b[2J", stdout);
    int code = main_frame(source, options, &is_running);
    while (code == TOP_EXIT_FINE && is_running) {
        nanosleep(&(struct timespec){.tv_sec = MAIN_INTERVAL_S}, NULL);
        code = main_frame(source, options, &is_running);
    }
    return code;
}

int main(int argument_count, char **arguments) {
    top_options options;
    top_source source;
    top_failure failure;
    /* A reader that has had enough (head) ends us quietly, even if our parent ignores it.
     */
    signal(SIGPIPE, SIG_DFL);
    top_options_read(&options, argument_count, arguments);
    if (!top_source_open(&source, options.target, &failure)) {
        return main_complain(failure.text);
    }
    bool is_once = options.is_once || options.is_json || !isatty(STDOUT_FILENO);
    int code = is_once ? main_once(&source, &options) : main_watch(&source, &options);
    top_source_close(&source);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "belay-top: cannot write the output: %s\n", strerror(errno));
        return TOP_EXIT_UNREADABLE;
    }
    return code;
}
