/* SPDX-License-Identifier: MIT */
/* synthesise.c - writes the synthetic ledger to a file, for the golden test. */
#include <stdio.h>

#include "synthetic.h"

int main(int argument_count, char **arguments) {
    synthetic ledger;
    FILE *file = argument_count == 2 ? fopen(arguments[1], "wb") : NULL;
    if (!file) {
        fputs("usage: top_synthesise FILE\n", stderr);
        return 2;
    }
    synthetic_init(&ledger);
    size_t written = fwrite(ledger.bytes, 1, ledger.size, file);
    int is_bad = written != ledger.size || fclose(file) != 0;
    synthetic_fini(&ledger);
    return is_bad;
}
