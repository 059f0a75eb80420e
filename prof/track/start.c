/* SPDX-License-Identifier: MIT */
#include "start.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "../trace/size.h"
#include "allocator.h"
#include "area.h"
#include "extents.h"
#include "goruntime.h"
#include "hooks.h"
#include "mappings.h"
#include "modules.h"
#include "recorder.h"

enum {
    START_PATH_BYTES = 4096,
    START_PARTS = 7, /* of a message */
    START_PERIOD_BYTES = 512 * 1024,
    START_STACKS = 1 << 17,
    START_FRAMES = 1 << 22,
    START_BLOCKS = 1 << 22,
    START_BLOCKS_PAD = 32 /* the last windows reach beyond the power of two */
};

/* WAITING: linked in, prepared, nobody has asked for a profile yet. */
enum { START_IDLE, START_BUSY, START_WAITING, START_DONE };

static _Atomic int start_state = START_IDLE;
static bool start_is_following = false;

/* A number in the environment; nothing, or an empty text, means `otherwise`. */
typedef struct start_setting {
    const char *name;
    uint64_t otherwise;
    const char *instead; /* what `otherwise` means, for people */
    bool is_room;        /* it is a number of blocks */
    bool is_said;        /* that it can't be read; a forked child does not repeat it */
} start_setting;

static start_setting start_every = {.name = "BELAY_PROF_EVERY",
        .otherwise = START_PERIOD_BYTES,
        .instead = "one sample each 524288 bytes is taken"};
static start_setting start_blocks = {.name = "BELAY_PROF_BLOCKS",
        .otherwise = START_BLOCKS,
        .instead = "there is room for 4194304 live blocks",
        .is_room = true};
static start_setting start_mmap = {.name = "BELAY_PROF_MMAP",
        .otherwise = SIZE_MAX,
        .instead = "no mappings are recorded"};
static start_setting start_owner = {.name = "BELAY_PROF_OWNER",
        .otherwise = 0,
        .instead = "every process is recorded"};

/* Says "WHAT: WHY; THEN" on stderr, without memory of its own. */
static void start_say(const char *what, const char *why, const char *then) {
    const char *parts[START_PARTS] = {"belay-prof: ", what, ": ", why, "; ", then, "\n"};
    struct iovec pieces[START_PARTS];

    for (int i = 0; i < START_PARTS; i++) {
        pieces[i] = (struct iovec){(void *)(uintptr_t)parts[i], strlen(parts[i])};
    }
    if (writev(STDERR_FILENO, pieces, START_PARTS) < 0) {
        return; /* nowhere to say it */
    }
}

static uint64_t start_number(start_setting *setting) {
    const char *text = secure_getenv(setting->name);
    uint64_t value;

    if (!text || !*text) {
        return setting->otherwise;
    }
    if (prof__size_parse(text, &value) &&
            (!setting->is_room || prof__size_is_room(value))) {
        return value;
    }
    if (!setting->is_said) {
        setting->is_said = true;
        start_say(setting->name,
                setting->is_room ? "not " PROF_SIZE_ROOM_FORMS : "not " PROF_SIZE_FORMS,
                setting->instead);
    }
    return setting->otherwise;
}

/* Writes `pattern` with the process id for each %p. */
static void start_path(const char *pattern, char path[START_PATH_BYTES]) {
    size_t used = 0;

    while (*pattern && used < START_PATH_BYTES - 24) {
        char digits[24];
        int count = 0;

        if (pattern[0] != '%' || pattern[1] != 'p') {
            path[used++] = *pattern++;
            continue;
        }
        for (uint64_t pid = (uint64_t)getpid(); pid; pid /= 10) {
            digits[count++] = (char)('0' + pid % 10);
        }
        while (count > 0) {
            path[used++] = digits[--count];
        }
        pattern += 2;
    }
    path[used] = 0;
}

/* Shortens LD_PRELOAD in place: the children's environment is copied from these bytes. */
static void start_hide(const char *library) {
    size_t length = library ? strlen(library) : 0;

    for (char **entry = environ; length && *entry; entry++) {
        char *value = *entry + strlen("LD_PRELOAD=");

        if (strncmp(*entry, "LD_PRELOAD=", strlen("LD_PRELOAD=")) == 0 &&
                strncmp(value, library, length) == 0) {
            char *rest = value + length + (value[length] == ':');

            memmove(value, rest, strlen(rest) + 1);
        }
    }
}

static void start_command(char *command, size_t room) {
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, command, room - 1);

    for (ssize_t i = 0; i + 1 < length; i++) {
        if (command[i] == 0) {
            command[i] = ' ';
        }
    }
    command[length > 0 ? length : 0] = 0;
    if (fd >= 0) {
        close(fd);
    }
}

/* True when calls of malloc reach us: a program that defines malloc itself is not seen.
 */
static bool start_is_reached(void) {
    void *found = dlsym(RTLD_DEFAULT, "malloc"), *ours;
    void *(*hook)(size_t) = prof__hooks_malloc;

    memcpy(&ours, &hook, sizeof ours);
    return found == ours;
}

static void start_describe(uint64_t period_bytes) {
    prof_trace_header *header = prof__area.header;
    struct timespec now;
    prof_module_code code;

    /* The executable before all libraries: pprof takes the first for the program. */
    (void)prof__modules_find(getauxval(AT_ENTRY), &code);
    clock_gettime(CLOCK_REALTIME, &now);
    header->version = PROF_TRACE_VERSION;
    header->pid = (uint64_t)getpid();
    header->start_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    header->period_bytes = period_bytes;
    start_command(header->command, sizeof header->command);
    if (prof__goruntime_find()) {
        header->flags |= PROF_FLAG_GO;
    }
    if (!start_is_reached()) {
        header->flags |= PROF_FLAG_BYPASSED;
    }
#ifdef PROF_LINKED
    header->flags |= PROF_FLAG_LINKED;
#endif
    /* Last: a reader that finds the magic number finds the rest. */
    atomic_store_explicit(&header->magic, PROF_TRACE_MAGIC, memory_order_release);
}

static const char *start_open(const char *path, uint64_t period_bytes) {
    prof_area_limits limits = {.frames = START_FRAMES, .stacks = START_STACKS};
    const char *problem;

    prof__mappings_minimum = start_number(&start_mmap);
    limits.blocks = start_number(&start_blocks) + START_BLOCKS_PAD;
    problem = prof__area_create(path, &limits);
    if (problem) {
        return problem;
    }
    start_describe(period_bytes ? period_bytes : 1);
    prof__recorder_start(period_bytes ? period_bytes : 1);
    return NULL;
}

static void start_from_environment(const char *file) {
    uint64_t owner = start_number(&start_owner);
    char path[START_PATH_BYTES];
    const char *problem;

    if (owner && owner != (uint64_t)getpid()) {
        prof__recorder_stop();
        return;
    }
    start_is_following = owner == 0;
    if (!start_is_following) {
        start_hide(secure_getenv("BELAY_PROF_LIBRARY"));
    }
    start_path(file, path);
    problem = start_open(path, start_number(&start_every));
    if (problem) {
        if (errno != EALREADY) { /* linked in and preloaded: one of the two records */
            start_say(path, problem, "the program runs without a profile");
        }
        prof__recorder_stop();
    }
}

/* A forked child must not write to its parent's file. */
static void start_in_child(void) {
    const char *file = secure_getenv("BELAY_PROF_FILE");
    bool was_recording = prof__area.header != NULL;

    prof__local.is_busy++;
    prof__area_abandon();
    prof__modules_forget();
    prof__extents_forget();
    prof__local.thread = NULL;
    prof__recorder_stop();
    if (was_recording && start_is_following) {
        prof__threads_forget();
        start_from_environment(file ? file : "belay-prof.%p.trace");
    }
    prof__local.left = prof__area.header ? 0 : UINT64_MAX;
    prof__local.is_busy--;
}

static bool start_claim(int from) {
    return atomic_compare_exchange_strong(&start_state, &from, START_BUSY);
}

static void start_prepare(void) {
    prof__allocator_find();
    prof__threads_init();
    pthread_atfork(NULL, NULL, start_in_child);
}

void prof__start_try(void) {
    int saved_errno = errno;
    const char *file;

    if (!environ || !start_claim(START_IDLE)) {
        return;
    }
    prof__local.is_busy++;
    /* Secure: nobody tells a program with more rights than his own where to write. */
    file = secure_getenv("BELAY_PROF_FILE");
#ifndef PROF_LINKED
    file = file ? file : "belay-prof.%p.trace";
#endif
    start_prepare();
    if (file) {
        start_from_environment(file);
    } else {
        prof__recorder_wait();
    }
    atomic_store(&start_state, file ? START_DONE : START_WAITING);
    prof__local.is_busy--;
    errno = saved_errno;
}

const char *prof__start_file(const char *path, uint64_t period_bytes) {
    char expanded[START_PATH_BYTES];
    const char *problem;

    prof__start_try();
    if (!start_claim(START_WAITING)) {
        errno = EALREADY;
        return "this process has a profile already";
    }
    prof__local.is_busy++;
    start_path(path, expanded);
    problem = start_open(expanded, period_bytes);
    atomic_store(&start_state, problem ? START_WAITING : START_DONE);
    prof__local.is_busy--;
    return problem;
}

__attribute__((constructor(101))) static void start_at_load(void) {
    prof__start_try();
}
