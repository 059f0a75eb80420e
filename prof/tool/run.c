/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../resolve/image.h"
#include "../trace/size.h"
#include "load.h"

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
    if (geteuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0) {
        return "has file capabilities: the loader ignores a preloaded library there; "
               "link "
               "belay.example/belay/prof into the program instead, or profile as root";
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

/* The recorder locks its trace as long as the program runs. */
static bool run_is_held(const char *file) {
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;

    if (fd >= 0) {
        close(fd);
    }
    return is_held;
}

/* An earlier trace may be replaced, another file not. */
static bool run_clear(const char *file) {
    struct stat status;

    if (prof__load_is_trace(file)) {
        if (run_is_held(file)) {
            errno = EBUSY;
            return false;
        }
        return unlink(file) == 0;
    }
    if (lstat(file, &status) == 0) {
        errno = EEXIST;
        return false;
    }
    return errno == ENOENT;
}

/* The recorder could only say that it can't create the file; here the reason is known,
 * and the program not started yet. */
static bool run_can_create(const char *file) {
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        return false;
    }
    close(fd);
    return unlink(file) == 0;
}

/* Writes `pattern` with the process id for each %p, as the recorder does. */
static void run_expand(const char *pattern, char *file, size_t room) {
    size_t used = 0;

    while (*pattern && used + 24 < room) {
        if (pattern[0] == '%' && pattern[1] == 'p') {
            used += (size_t)snprintf(file + used, room - used, "%ld", (long)getpid());
            pattern += 2;
        } else {
            file[used++] = *pattern++;
        }
    }
    file[used] = 0;
}

static int run_environment(const run_options *options, const char *library) {
    const char *old = getenv("LD_PRELOAD");
    char preload[PATH_MAX * 2], file[PATH_MAX], owner[24];

    run_expand(options->file, file, sizeof file);
    if (snprintf(preload, sizeof preload, "%s%s%s", library, old && *old ? ":" : "",
                old ? old : "") >= (int)sizeof preload) {
        return run_fail("LD_PRELOAD", "too long to put the profiler before it");
    }
    snprintf(owner, sizeof owner, "%ld", (long)getpid());
    if (strpbrk(library, " :")) {
        return run_fail(
                library, "the loader can't preload from a path with blanks or colons");
    }
    if (!run_clear(file)) {
        return run_fail(file,
                errno == EEXIST  ? "exists and is not a trace; it stays as it is"
                : errno == EBUSY ? "is the trace of a program that still runs; it stays "
                                   "as it is, give another -o FILE"
                                 : strerror(errno));
    }
    if (!run_can_create(file)) {
        return run_fail(*file ? file : "-o", strerror(errno));
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

/* True for no text at all, and for a number that the recorder reads. */
static bool run_is_number(const char *text) {
    uint64_t number;

    return !text || prof__size_parse(text, &number);
}

static bool run_is_room(const char *blocks) {
    uint64_t count;

    return !blocks || (prof__size_parse(blocks, &count) && prof__size_is_room(count));
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
    if (!run_is_number(options->every) || !run_is_number(options->mappings)) {
        fprintf(stderr, "belay-prof: run: --every and --mmap take " PROF_SIZE_FORMS "\n");
        return 2;
    }
    if (!run_is_room(options->blocks)) {
        fprintf(stderr, "belay-prof: run: --blocks takes " PROF_SIZE_ROOM_FORMS "\n");
        return 2;
    }
    if (options->is_following && !strstr(options->file, "%p")) {
        fprintf(stderr,
                "belay-prof: run: --follow needs %%p in the name of -o FILE: one file a "
                "process\n");
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
        return run_fail(argv[optind], "no such program, or not executable");
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
