/* SPDX-License-Identifier: MIT */
/* fuzz.c - the interpreter as a libFuzzer target. */
#include "interpreter.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    interpreter_run(bytes, length, false);
    return 0;
}
