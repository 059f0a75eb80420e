/* SPDX-License-Identifier: MIT */
/* crash.c - a program that opens real objects through the core and then ends in one of
 * these ways, for crash.sh: kill (SIGKILL to itself), shutdown (belay_shutdown, exit),
 * wait (says "ready" and sleeps until it is killed). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "belay/belay.h"

enum { CRASH_LEAVES = 20 };

static void crash_check(belay_status status, const char *what) {
    if (status != BELAY_OK) {
        fprintf(stderr, "crash: %s: %s\n", what, belay_status_text(status));
        exit(1);
    }
}

static belay_type crash_type(const char *name, belay_destroy_fn destroy) {
    belay_type type;
    belay_type_options options = {
            .size = sizeof options, .name = name, .destroy = destroy};
    crash_check(belay_type_create(&options, &type), name);
    return type;
}

static belay_handle crash_own(
        belay_type type, uint64_t size_bytes, belay_handle parent, const char *site) {
    belay_handle handle;
    belay_own_options options = {.size = sizeof options,
            .size_bytes = size_bytes,
            .parent = parent,
            .site = site};
    void *object = malloc(size_bytes);
    crash_check(object ? belay_own(type, object, &options, &handle) : BELAY_OUT_OF_MEMORY,
            site);
    return handle;
}

static int crash_refuse(void *context, void *object) {
    (void)context;
    (void)object;
    return 5;
}

/* What crash.sh expects: a tree (used 1) with 19 leaves (17 idle, 1 used 2, 1 closing 1),
 * a rock that refused to go, and a report of that. */
static void crash_open_all(void) {
    void *object;
    belay_type tree = crash_type("tree", belay_destroy_free);
    belay_type leaf = crash_type("leaf", belay_destroy_free);
    belay_type_options options = {.size = sizeof options,
            .name = "rock",
            .destroy = crash_refuse,
            .on_error = BELAY_ON_ERROR_KEPT};
    belay_type rock;
    crash_check(belay_type_create(&options, &rock), "rock");
    belay_handle root = crash_own(tree, 4096, (belay_handle){0}, "garden.c:10");
    belay_handle leaves[CRASH_LEAVES];
    for (int i = 0; i < CRASH_LEAVES; i++) {
        leaves[i] = crash_own(leaf, 100, root, "garden.c:20");
    }
    crash_check(belay_close(leaves[0], NULL), "close");
    crash_check(belay_borrow(leaves[1], &object), "borrow");
    crash_check(belay_borrow(leaves[1], &object), "borrow");
    crash_check(belay_borrow(leaves[2], &object), "borrow");
    crash_check(belay_close(leaves[2], NULL), "close while in use");
    crash_check(belay_borrow(root, &object), "borrow");
    belay_handle stone = crash_own(rock, 7, (belay_handle){0}, "quarry.c:3");
    if (belay_close(stone, NULL) != BELAY_REFUSED) {
        crash_check(BELAY_INVALID, "a rock must refuse");
    }
}

int main(int argument_count, char **arguments) {
    const char *end = argument_count == 2 ? arguments[1] : "";
    if (strcmp(end, "shutdown") == 0) {
        crash_own(crash_type("tree", belay_destroy_free), 10, (belay_handle){0},
                "garden.c:10");
        crash_check(belay_shutdown(1000, NULL), "shutdown");
        return 0;
    }
    crash_open_all();
    if (strcmp(end, "kill") == 0) {
        kill(getpid(), SIGKILL);
    } else if (strcmp(end, "wait") == 0) {
        puts("ready");
        fflush(stdout);
        pause();
    }
    fputs("usage: top_crash kill|shutdown|wait\n", stderr);
    return 2;
}
