/* SPDX-License-Identifier: MIT */
#include "setting.h"

#include <stdio.h>
#include <string.h>

#include "platform.h"

unsigned belay__setting_word(
        const char *name, const char *const *words, unsigned count, unsigned fallback) {
    const char *said = belay__process_setting(name);
    if (said == NULL || said[0] == 0) {
        return fallback;
    }
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(said, words[i]) == 0) {
            return i;
        }
    }
    char list[128] = "";
    for (unsigned i = 0; i < count; i++) {
        size_t length = strlen(list);
        const char *between = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        snprintf(list + length, sizeof list - length, "%s%s", between, words[i]);
    }
    fprintf(stderr, "belay: %s is \"%s\", not %s: taken as unset\n", name, said, list);
    return fallback;
}
