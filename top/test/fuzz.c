/* SPDX-License-Identifier: MIT */
/* fuzz.c - goal: as mutation_test, with libFuzzer choosing what to break. Method: the
 * input is a list of edits to the valid ledger: place (3 bytes), value (4 bytes). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exercise.h"
#include "synthetic.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes) {
    synthetic ledger;
    synthetic_init(&ledger);
    for (size_t i = 0; i + 7 <= input_bytes; i += 7) {
        size_t place = (size_t)(input[i] | input[i + 1] << 8 | input[i + 2] << 16);
        memcpy(ledger.bytes + place % (ledger.size - 4), input + i + 3, 4);
    }
    exercise_ledger(ledger.bytes, ledger.size);
    synthetic_fini(&ledger);
    return 0;
}
