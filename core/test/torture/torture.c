/* SPDX-License-Identifier: MIT */
/* torture.c - one life of a program, again and again, each time with another call
 * failing.
 *
 * usage: torture [FIRST POINT]
 *
 * Whatever fails: nothing crashes, every status is one that the headers name, a refused
 * object stays its caller's, an owned one is destroyed once, and when the system is well
 * again so is the core. Each point runs in a process of its own. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "belay/belay.h"

#include "binding.h"
#include "failing.h"

#define TORTURE_OBJECTS 600 /* more than a segment of this build holds, several times */
#define TORTURE_POINTS 2000

#define torture_require(condition)                                                       \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            fprintf(stderr, "%s:%d: does not hold: %s (first failure: %s)\n", __FILE__,  \
                    __LINE__, #condition, failing_first());                              \
            abort();                                                                     \
        }                                                                                \
    } while (0)

typedef struct object {
    int destroyed;
    bool is_owned; /* belay_own took it */
    belay_handle handle;
} object;

static object objects[TORTURE_OBJECTS];

static int object_destroy(void *context, void *pointer) {
    (void)context;
    ((object *)pointer)->destroyed++;
    return 0;
}

static void note(void *data, const belay_report *report) {
    (void)data;
    torture_require(report->message[0] != 0);
}

static belay_type make_type(belay_type_options options) {
    belay_type type = {0};
    options.size = sizeof options;
    options.name = "object";
    options.destroy = object_destroy;
    belay_status status = belay_type_create(&options, &type);
    torture_require(status == BELAY_OK || status == BELAY_OUT_OF_MEMORY);
    torture_require((status == BELAY_OK) == (type.id != 0));
    return type;
}

static void own(object *self, belay_type type, belay_handle parent) {
    char text[32];
    belay_own_options options = {
            .size = sizeof options, .parent = parent, .site = "own t.c:1"};
    belay_handle handle = {0};
    snprintf(text, sizeof text, "f t.c:%d", (int)(self - objects));
    (void)belay__bind_site(text, strlen(text));
    belay_status status = belay_own(type, self, &options, &handle);
    torture_require(status == BELAY_OK || status == BELAY_OUT_OF_MEMORY ||
                    status == BELAY_TABLE_FULL ||
                    (status == BELAY_INVALID && type.id == 0));
    torture_require((status == BELAY_OK) == (handle.bits != 0));
    self->is_owned = status == BELAY_OK;
    self->handle = handle;
}

static void use(object *self) {
    void *lent = NULL;
    belay_status status = belay_borrow(self->handle, &lent);
    torture_require(status == (self->is_owned ? BELAY_OK : BELAY_CLOSED));
    if (self->is_owned) {
        torture_require(lent == self);
        torture_require(belay_return(self->handle) == BELAY_OK);
    }
}

/* Owns in a binding's slots and forgets, if there are slots. */
static void forget(belay_type type, uint32_t kind, object *first_object) {
    uint32_t first = belay__bind_group_take(kind, NULL);
    if (first == 0 || type.id == 0) {
        return;
    }
    for (uint32_t i = 0; i < BELAY__GROUP_SLOTS; i++) {
        object *self = first_object + i;
        belay_status status =
                belay__bind_own(first + i, type.id, self, 8, 0, 0, 0, &self->handle.bits);
        torture_require(status == BELAY_OK || status == BELAY_OUT_OF_MEMORY);
        self->is_owned = status == BELAY_OK;
    }
    if (kind == BELAY__GROUP_SHARED) {
        belay__bind_dead(first, BELAY__GROUP_SLOTS);
    } else {
        for (uint32_t i = 0; i < BELAY__GROUP_SLOTS; i++) {
            belay__bind_dead(first + i, 1);
        }
    }
}

static void *be_in_a_thread(void *data) {
    belay_type type = *(belay_type *)data;
    for (int i = 400; i < 450; i++) {
        own(&objects[i], type, (belay_handle){0});
        use(&objects[i]);
        (void)belay_close(objects[i].handle, NULL);
    }
    return NULL;
}

/* A child of a fork either gets a ledger of its own or ends: it must not write ours. */
static void fork_once(belay_type type) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 564; i < TORTURE_OBJECTS; i++) {
            own(&objects[i], type, (belay_handle){0});
            use(&objects[i]);
        }
        _exit(0);
    }
    int status = 0;
    torture_require(child > 0 && waitpid(child, &status, 0) == child);
    bool may_end = strcmp(belay_ledger_name(), "private") != 0;
    torture_require(status == 0 ||
                    (may_end && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
}

/* Everything a program does, under failures. */
static void live(void) {
    belay_report_to(note, NULL);
    belay_type plain = make_type((belay_type_options){.size_bytes = 16});
    belay_type guarded = make_type((belay_type_options){.guard = BELAY_GUARD_DOMAIN});
    for (int i = 0; i < 200; i++) {
        belay_handle parent = {i % 4 ? objects[i / 4 * 4].handle.bits : 0};
        own(&objects[i], i % 8 < 4 ? plain : guarded, parent);
        use(&objects[i]);
    }
    forget(plain, BELAY__GROUP_SHARED, &objects[200]);
    forget(plain, BELAY__GROUP_EXACT, &objects[264]);
    belay_level_set(BELAY_LEVEL_ALL);
    for (int i = 328; i < 400; i++) {
        own(&objects[i], plain, (belay_handle){0});
    }
    pthread_t thread;
    if (pthread_create(&thread, NULL, be_in_a_thread, &plain) == 0) {
        pthread_join(thread, NULL);
    }
    for (int i = 0; i < 100; i += 3) {
        belay_status status = belay_close_wait(objects[i].handle, 1000, NULL);
        torture_require(status == BELAY_OK);
    }
    (void)belay_drain(0);
    belay_stats stats;
    belay_type_stats((belay_type){0}, &stats);
    belay_report_flush();
    fork_once(plain);
}

/* The system is well again: so must the core be. */
static void recover(void) {
    belay_type type = make_type((belay_type_options){0});
    torture_require(type.id != 0);
    for (int i = 450; i < 500; i++) {
        own(&objects[i], type, (belay_handle){0});
        torture_require(objects[i].is_owned);
        use(&objects[i]);
    }
    forget(type, BELAY__GROUP_EXACT, &objects[500]);
    torture_require(objects[500].is_owned && objects[563].is_owned);
    torture_require(belay_drain(20000) == BELAY_OK);
    torture_require(objects[500].destroyed == 1 && objects[563].destroyed == 1);
    torture_require(belay_shutdown(20000, NULL) == BELAY_OK);
    for (int i = 0; i < TORTURE_OBJECTS; i++) {
        if (objects[i].destroyed != objects[i].is_owned) {
            fprintf(stderr, "object %d: owned %d, destroyed %d times\n", i,
                    objects[i].is_owned, objects[i].destroyed);
        }
        torture_require(objects[i].destroyed == objects[i].is_owned);
    }
    belay_stats stats;
    belay_type_stats((belay_type){0}, &stats);
    torture_require(stats.live == 0);
    torture_require(stats.opened == stats.closed + stats.rescued + stats.leaked);
}

/* Runs one point. Returns how many calls failed, -1 when the run did. */
static int torture_point(int nth, bool for_good) {
    int pipes[2];
    int failed = -1;
    if (pipe(pipes) != 0) {
        abort();
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(120);
        failing_arm(nth, for_good);
        live();
        failed = failing_disarm();
        recover();
        torture_require(write(pipes[1], &failed, sizeof failed) == sizeof failed);
        exit(0); /* not _exit: the leak checkers look now */
    }
    close(pipes[1]);
    int status = 1;
    bool is_told = read(pipes[0], &failed, sizeof failed) == sizeof failed;
    close(pipes[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0 || !is_told) {
        fprintf(stderr, "point %d%s: status %d\n", nth, for_good ? " and all after" : "",
                status);
        return -1;
    }
    return failed;
}

/* Goes through all points of one way of failing. */
static int torture_all(const char *ledger, int first, bool for_good) {
    int nth = first;
    int failed = 1;
    if (ledger != NULL) {
        setenv("BELAY_LEDGER", ledger, 1);
    }
    for (; failed > 0; nth++) {
        failed = torture_point(nth, for_good);
        if (failed < 0 || nth == TORTURE_POINTS) {
            fprintf(stderr, "ledger %s: point %d failed\n", ledger ? ledger : "memfd",
                    nth);
            return 1;
        }
    }
    printf("ledger %-6s %4d points, %s\n",
            ledger == NULL               ? "memfd"
            : strcmp(ledger, "off") == 0 ? "off"
                                         : "file",
            nth - first - 1, for_good ? "each with all calls after it" : "each alone");
    return 0;
}

int main(int count, char **arguments) {
    const char *place = getenv("TMPDIR");
    char path[256];
    char file[sizeof path + 16];
    int first = count > 1 ? (int)strtol(arguments[1], NULL, 10) : 1;
    int result = 0;
    snprintf(path, sizeof path, "%s/belay-torture.XXXXXX", place ? place : "/tmp");
    if (mkdtemp(path) == NULL) {
        return 2;
    }
    snprintf(file, sizeof file, "%s/ledger", path);
    const char *ledgers[] = {NULL, file, "off"};
    for (int i = 0; i < 3; i++) {
        result |= torture_all(ledgers[i], first, false);
        result |= torture_all(ledgers[i], first, true);
    }
    unlink(file);
    rmdir(path);
    return result;
}
