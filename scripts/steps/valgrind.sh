#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# valgrind.sh - the C unit tests under valgrind: no invalid access, no use of the uninitialised, no leak.
. "$(dirname "$0")/step.sh"
cmake --preset dev
cmake --build --preset dev -j "$jobs"

count=0
for test in build/dev/bin/*_test; do
    [ -x "$test" ] && [[ $test != */top_* ]] || continue # those of top bring ASan
    echo "== ${test##*/}"
    valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect \
        --errors-for-leak-kinds=definite,indirect --fair-sched=yes "$test"
    count=$((count + 1))
done
[ $count -gt 0 ] || fail "no build/dev/bin/*_test found"
