/* SPDX-License-Identifier: MIT */
#include "size.h"

#include <stddef.h>
#include <string.h>

#include "trace.h"

/* How far to shift for a unit; -1: it is none. */
static int size_shift(const char *unit) {
    static const char *const names[][3] = {
            {"", "", ""}, {"k", "K", "KiB"}, {"M", "M", "MiB"}, {"G", "G", "GiB"}};

    for (int power = 0; power < 4; power++) {
        for (int i = 0; i < 3; i++) {
            if (strcmp(unit, names[power][i]) == 0) {
                return 10 * power;
            }
        }
    }
    return -1;
}

bool prof__size_parse(const char *text, uint64_t *out_number) {
    size_t digits = strspn(text, "0123456789");
    int shift = size_shift(text + digits);
    uint64_t number = 0;

    if (digits == 0 || shift < 0) {
        return false;
    }
    for (size_t i = 0; i < digits && number <= PROF_SIZE_MAX; i++) {
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    if (number == 0 || number > PROF_SIZE_MAX >> shift) {
        return false;
    }
    *out_number = number << shift;
    return true;
}

bool prof__size_is_room(uint64_t blocks) {
    return blocks >= 1 << 10 && blocks <= 1 << 27 && (blocks & (blocks - 1)) == 0;
}
