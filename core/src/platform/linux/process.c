/* SPDX-License-Identifier: MIT */
/* process.c - clocks, who we are, and threads. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../../platform.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t process_clock(clockid_t clock) {
    struct timespec now = {0, 0};
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t belay__clock_mono_ns(void) {
    return process_clock(CLOCK_MONOTONIC);
}

uint64_t belay__clock_mono_coarse_ns(void) {
    return process_clock(CLOCK_MONOTONIC_COARSE);
}

uint64_t belay__clock_unix_ns(void) {
    return process_clock(CLOCK_REALTIME);
}

/* Reads a small text file; always ends it with 0. */
static size_t process_read(const char *path, char *out_text, size_t bytes) {
    size_t length = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t got = read(fd, out_text, bytes - 1);
        length = got > 0 ? (size_t)got : 0;
        close(fd);
    }
    out_text[length] = 0;
    return length;
}

uint64_t belay__process_start_ticks(void) {
    char text[1024];
    process_read("/proc/self/stat", text, sizeof text);
    /* The program's name is field 2, in brackets, and may hold anything. */
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at == NULL ? 0 : strtoull(at + 1, NULL, 10);
}

void belay__process_boot_id(char *out_text, size_t bytes) {
    process_read("/proc/sys/kernel/random/boot_id", out_text, bytes);
    out_text[strcspn(out_text, "\n")] = 0;
}

void belay__process_program(char *out_text, size_t bytes) {
    process_read("/proc/self/comm", out_text, bytes);
    out_text[strcspn(out_text, "\n")] = 0;
}

bool belay__thread_start(void *(*run)(void *), void *data) {
    static const int own_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t blocked;
    sigset_t before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own_faults / sizeof own_faults[0]; i++) {
        sigdelset(&blocked, own_faults[i]);
    }
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    /* A thread inherits the mask, so it never runs with signals open. */
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    pthread_t thread;
    int result = pthread_create(&thread, &attributes, run, data);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return result == 0;
}

void belay__process_at_fork(void (*child)(void)) {
    pthread_atfork(NULL, NULL, child);
}
