/* SPDX-License-Identifier: MIT */
/* quantity.c - bytes, durations and object names as people read them. */
#include "view/quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "snapshot/object.h"

void top_quantity_bytes(char out_text[TOP_QUANTITY_BYTES], uint64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(out_text, TOP_QUANTITY_BYTES, "%" PRIu64 " B", bytes);
        return;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    /* 1023.95 would be printed as 1024.0. */
    while (value >= 1023.95 && unit < sizeof units / sizeof *units - 1) {
        value /= 1024;
        unit++;
    }
    snprintf(out_text, TOP_QUANTITY_BYTES, "%.1f %s", value, units[unit]);
}

void top_quantity_duration(char out_text[TOP_QUANTITY_BYTES], uint64_t ms) {
    uint64_t seconds = ms / 1000;
    if (ms < 1000) {
        snprintf(out_text, TOP_QUANTITY_BYTES, "%" PRIu64 "ms", ms);
    } else if (seconds < 60) {
        snprintf(out_text, TOP_QUANTITY_BYTES, "%" PRIu64 ".%" PRIu64 "s", seconds,
                ms % 1000 / 100);
    } else if (seconds < 3600) {
        snprintf(out_text, TOP_QUANTITY_BYTES, "%" PRIu64 "m%02" PRIu64 "s", seconds / 60,
                seconds % 60);
    } else if (seconds < 86400) {
        snprintf(out_text, TOP_QUANTITY_BYTES, "%" PRIu64 "h%02" PRIu64 "m",
                seconds / 3600, seconds % 3600 / 60);
    } else {
        snprintf(out_text, TOP_QUANTITY_BYTES, "%" PRIu64 "d%02" PRIu64 "h",
                seconds / 86400, seconds % 86400 / 3600);
    }
}

void top_quantity_handle(char out_text[TOP_QUANTITY_BYTES], uint64_t handle) {
    snprintf(out_text, TOP_QUANTITY_BYTES, "#%" PRIu32 ".%" PRIu64,
            top_handle_index(handle), top_handle_generation(handle));
}

void top_quantity_time(char out_text[TOP_QUANTITY_BYTES], uint64_t unix_ns) {
    time_t seconds = (time_t)(unix_ns / 1000000000);
    struct tm parts;
    if (!localtime_r(&seconds, &parts) ||
            strftime(out_text, TOP_QUANTITY_BYTES, "%Y-%m-%d %H:%M:%S %Z", &parts) == 0) {
        snprintf(out_text, TOP_QUANTITY_BYTES, "?");
    }
}
