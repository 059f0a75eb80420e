#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples.sh - each example builds, passes its own tests, and runs when it is a program.
. "$(dirname "$0")/step.sh"
count=0
cd examples
for folder in */; do
    folder=${folder%/}
    [ "$folder" != c ] || continue # C programs, tests of the CMake build below
    echo "== $folder"
    go vet "./$folder/..."
    go test -count=1 "./$folder/..."
    [ "$(go list -f '{{.Name}}' "./$folder")" != main ] || go run "./$folder"
    count=$((count + 1))
done
cd "$root"
[ $count -ge 2 ] || fail "only $count Go examples"

cmake --preset dev
cmake --build --preset dev -j "$jobs"
ctest --test-dir build/dev --output-on-failure --no-tests=error -L '^examples$'
