/* SPDX-License-Identifier: MIT */
/* process.c - who this process is: no portable way to tell. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../../platform.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t belay__process_start_ticks(void) {
    return 0;
}

void belay__process_boot_id(char *out_text, size_t bytes) {
    memset(out_text, 0, bytes);
}

void belay__process_program(char *out_text, size_t bytes) {
    memset(out_text, 0, bytes);
}

const char *belay__process_setting(const char *name) {
#if defined(__linux__)
    return secure_getenv(name);
#else
    return issetugid() ? NULL : getenv(name); /* macOS and the BSDs */
#endif
}
