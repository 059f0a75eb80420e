/* SPDX-License-Identifier: MIT */
/* process.c - who this process is, for the ledger. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../../platform.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

const char *belay__process_setting(const char *name) {
    return secure_getenv(name);
}
