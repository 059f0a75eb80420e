#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# clang_tidy.sh - the checks of .clang-tidy over the C sources, as the clang preset compiles them.
. "$(dirname "$0")/step.sh"
cmake --preset clang "-DCMAKE_C_COMPILER=$clang" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
tidy=$(command -v clang-tidy-19 || command -v clang-tidy)
# Sources, not tests, of what is compiled; each path stands in the database as "file": "...".
mapfile -t files < <(sed -n 's/^ *"file": "\(.*\)",\?$/\1/p' build/clang/compile_commands.json |
    grep -E "^$root/(core/src|top|prof)/" | grep -v /test/ | sort -u)
[ ${#files[@]} -gt 0 ] || fail "no C sources found"
printf '%s\n' "${files[@]}" | xargs -P "$jobs" -n 4 "$tidy" -p build/clang --quiet
