/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../resolve/image.h"
#include "../trace/trace.h"

typedef struct run_options {
    const char *every;
    const char *blocks;
    const char *mappings; /* smallest size; NULL: none */
    const char *file;
    bool is_following;
    bool is_quiet;
} run_options;

static int run_fail(const char *what, const char *why) {
    fprintf(stderr, "belay-prof: %s: %s\n", what, why);
    return 1;
}

/* Where execvp would find the program. */
static bool run_find(const char *program, char path[PATH_MAX]) {
    const char *at = getenv("PATH");

    if (strchr(program, '/')) {
        return snprintf(path, PATH_MAX, "%s", program) < PATH_MAX &&
               access(path, X_OK) == 0;
    }
    while (at && *at) {
        size_t length = strcspn(at, ":");

        if (snprintf(path, PATH_MAX, "%.*s/%s", (int)length, at, program) < PATH_MAX &&
                access(path, X_OK) == 0) {
            return true;
        }
        at += length + (at[length] == ':');
    }
    return false;
}

/* Why the profiler can't be preloaded into this program; NULL when it can. */
static const char *run_refusal(const char *path) {
    prof_image image;
    struct stat status;
    const char *why = NULL;

    if (stat(path, &status) == 0 && (status.st_mode & (S_ISUID | S_ISGID))) {
        return "is set-user-id: the loader ignores a preloaded library there; link "
               "belay.example/belay/prof into the program instead";
    }
    if (!prof__image_open(path, &image)) {
        return NULL; /* a script: its interpreter decides */
    }
    if (!image.has_interpreter) {
        why = "is statically linked: nothing can be preloaded; link it dynamically (for "
              "Go: "
              "CGO_ENABLED=1, without -extldflags -static)";
    } else if (strstr(image.interpreter, "musl")) {
        why = "is built for musl: the preloaded library needs glibc 2.35 or newer; build "
              "the "
              "program for glibc to profile it";
    } else if (prof__image_mentions(&image, "__asan_init")) {
        why = "is built with AddressSanitizer, which replaces malloc itself; build it "
              "without "
              "-asan to profile it (its own leak check names leaks too)";
    }
    prof__image_close(&image);
    return why;
}

static bool run_library(char path[PATH_MAX]) {
    static const char *const places[] = {"../lib/libbelay-prof.so",
            "../" PROF_INSTALL_LIBDIR "/libbelay-prof.so", "libbelay-prof.so"};
    char self[PATH_MAX], joined[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    self[length > 0 ? length : 0] = 0;
    slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        snprintf(joined, sizeof joined, "%.*s/%s", (int)(slash - self), self, places[i]);
        if (realpath(joined, path)) {
            return true;
        }
    }
    return false;
}

/* An earlier trace may be replaced, another file not. */
static bool run_clear(const char *file) {
    FILE *old = fopen(file, "rb");
    uint64_t magic = 0;
    bool is_trace;

    if (!old) {
        return errno == ENOENT;
    }
    is_trace = fread(&magic, sizeof magic, 1, old) == 1 && magic == PROF_TRACE_MAGIC;
    fclose(old);
    if (!is_trace) {
        errno = EEXIST;
    }
    return is_trace && unlink(file) == 0;
}

static void run_expand(const char *pattern, char *file, size_t room) {
    const char *mark = strstr(pattern, "%p");

    if (mark) {
        snprintf(file, room, "%.*s%ld%s", (int)(mark - pattern), pattern, (long)getpid(),
                mark + 2);
    } else {
        snprintf(file, room, "%s", pattern);
    }
}

static int run_environment(const run_options *options, const char *library) {
    const char *old = getenv("LD_PRELOAD");
    char preload[PATH_MAX * 2], file[PATH_MAX], owner[24];

    run_expand(options->file, file, sizeof file);
    snprintf(preload, sizeof preload, "%s%s%s", library, old && *old ? ":" : "",
            old ? old : "");
    snprintf(owner, sizeof owner, "%ld", (long)getpid());
    if (strpbrk(library, " :")) {
        return run_fail(
                library, "the loader can't preload from a path with blanks or colons");
    }
    if (!run_clear(file)) {
        return run_fail(file, errno == EEXIST
                                      ? "exists and is not a trace; it stays as it is"
                                      : strerror(errno));
    }
    if (options->is_following && !strstr(options->file, "%p")) {
        return run_fail(options->file,
                "--follow needs %p in the file's name: one file a process");
    }
    setenv("LD_PRELOAD", preload, 1);
    setenv("BELAY_PROF_LIBRARY", library, 1);
    setenv("BELAY_PROF_FILE", options->is_following ? options->file : file, 1);
    setenv("BELAY_PROF_EVERY", options->every, 1);
    if (options->mappings) {
        setenv("BELAY_PROF_MMAP", options->mappings, 1);
    }
    if (options->blocks) {
        setenv("BELAY_PROF_BLOCKS", options->blocks, 1);
    }
    if (options->is_following) {
        unsetenv("BELAY_PROF_OWNER");
    } else {
        setenv("BELAY_PROF_OWNER", owner, 1);
    }
    if (!options->is_quiet) {
        fprintf(stderr, "belay-prof: recording into %s\n", file);
    }
    return 0;
}

static bool run_is_number(const char *text) {
    return *text && strlen(text) < 18 && strspn(text, "0123456789") == strlen(text) &&
           strspn(text, "0") != strlen(text);
}

static int run_parse(int argc, char **argv, run_options *options) {
    static const struct option names[] = {{"every", required_argument, NULL, 'e'},
            {"all", no_argument, NULL, 'a'}, {"output", required_argument, NULL, 'o'},
            {"blocks", required_argument, NULL, 'b'},
            {"mmap", required_argument, NULL, 'm'}, {"follow", no_argument, NULL, 'f'},
            {"quiet", no_argument, NULL, 'q'}, {NULL, 0, NULL, 0}};
    int letter;

    while ((letter = getopt_long(argc, argv, "+o:", names, NULL)) != -1) {
        if (letter == 'e') {
            options->every = optarg;
        } else if (letter == 'a') {
            options->every = "1";
        } else if (letter == 'o') {
            options->file = optarg;
        } else if (letter == 'b') {
            options->blocks = optarg;
        } else if (letter == 'm') {
            options->mappings = optarg;
        } else if (letter == 'f') {
            options->is_following = true;
        } else if (letter == 'q') {
            options->is_quiet = true;
        } else {
            return 2;
        }
    }
    if (!run_is_number(options->every) ||
            (options->blocks && !run_is_number(options->blocks)) ||
            (options->mappings && !run_is_number(options->mappings))) {
        fprintf(stderr,
                "belay-prof: --every, --blocks and --mmap take a number above 0\n");
        return 2;
    }
    if (optind >= argc) {
        fprintf(stderr, "belay-prof: run: which program? (belay-prof run [options] -- "
                        "PROGRAM)\n");
        return 2;
    }
    return 0;
}

int prof__run_command(int argc, char **argv) {
    run_options options = {.every = "524288", .file = "belay-prof.%p.trace"};
    char path[PATH_MAX], library[PATH_MAX];
    int problem = run_parse(argc, argv, &options);
    const char *why;

    if (problem) {
        return problem;
    }
    if (!run_find(argv[optind], path)) {
        return run_fail(argv[optind], "no such program");
    }
    if ((why = run_refusal(path))) {
        return run_fail(path, why);
    }
    if (!run_library(library)) {
        return run_fail("libbelay-prof.so", "not found beside belay-prof nor in ../lib; "
                                            "run `make install` or keep both "
                                            "in one build tree");
    }
    if ((problem = run_environment(&options, library))) {
        return problem;
    }
    execv(path, argv + optind);
    return run_fail(path, strerror(errno));
}
