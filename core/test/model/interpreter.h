/* SPDX-License-Identifier: MIT */
/* interpreter.h - turns bytes into operations, and does each on the core and on the
 * model. */
#ifndef BELAY_TEST_INTERPRETER_H
#define BELAY_TEST_INTERPRETER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERPRETER_STEP 3 /* bytes an operation */

/* Runs a sequence to its end and cleans up. Aborts, having printed the difference, when
 * the core does not do what the model does. is_loud: prints each operation. */
void interpreter_run(const uint8_t *bytes, size_t length, bool is_loud);

#endif
