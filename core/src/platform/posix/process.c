/* SPDX-License-Identifier: MIT */
/* process.c - who this process is: no portable way to tell. */
#include "../../platform.h"

#include <string.h>

uint64_t belay__process_start_ticks(void) {
    return 0;
}

void belay__process_boot_id(char *out_text, size_t bytes) {
    memset(out_text, 0, bytes);
}

void belay__process_program(char *out_text, size_t bytes) {
    memset(out_text, 0, bytes);
}
