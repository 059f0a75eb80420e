#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples.sh - each example builds, passes its own tests, and runs when it is a program.
. "$(dirname "$0")/step.sh"
count=0
for folder in examples/*/; do
    folder=${folder%/}
    case $folder in examples/c) continue ;; esac
    echo "== $folder"
    go vet "./$folder/..."
    go test "./$folder/..."
    [ "$(go list -f '{{.Name}}' "./$folder")" != main ] || go run "./$folder"
    count=$((count + 1))
done
[ $count -ge 2 ] || fail "only $count Go examples"

cmake --preset dev
cmake --build --preset dev -j "$jobs"
ctest --test-dir build/dev --output-on-failure --no-tests=error -L '^examples$'
