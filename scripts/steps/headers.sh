#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# headers.sh - each public header compiles alone and twice, in C11 and C++11, under every warning.
. "$(dirname "$0")/step.sh"
count=0
for header in core/include/belay/*.h; do
    name=belay/${header##*/}
    printf '#include "%s"\n#include "%s"\nint main(void);\nint main(void) { return 0; }\n' "$name" "$name" \
        >"$scratch/alone.c"
    cp "$scratch/alone.c" "$scratch/alone.cc"
    for compiler in gcc "$clang"; do
        echo "$compiler $name"
        "$compiler" -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wredundant-decls \
            -Wmissing-prototypes -Werror -Icore/include -fsyntax-only "$scratch/alone.c"
    done
    for compiler in g++ "$clang -x c++"; do
        echo "$compiler $name"
        $compiler -std=c++11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -Icore/include \
            -fsyntax-only "$scratch/alone.cc"
    done
    count=$((count + 1))
done
[ $count -gt 0 ] || fail "no public header found"
echo "$count headers"
