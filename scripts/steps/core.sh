#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# core.sh PRESET LABELS - builds the C side by a preset and runs its tests that carry one of the labels.
. "$(dirname "$0")/step.sh"
preset=$1 labels=$2

read -r -a options <<<"${BELAY_CMAKE_OPTIONS:-}" # scripts/mutations sets some
case $preset in
tsan | clang) options+=("-DCMAKE_C_COMPILER=$clang") ;;
esac
cmake --preset "$preset" "${options[@]}"
cmake --build --preset "$preset" -j "$jobs"

export UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$jobs" -L "^($labels)\$"
