#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# statics.sh - no two files of core/src have a file-local name in common.
#
# cgo_core.c compiles all of them as one file, where two uninitialised `static int n;` silently become one
# variable. The objects of the separate build show every local name; names inside functions carry a dot.
. "$(dirname "$0")/step.sh"
cmake --preset dev
cmake --build --preset dev -j "$jobs" --target belay_static

count=0
for object in $(find build/dev/core -path '*belay_objects*' -name '*.o'); do
    nm --format=posix "$object" | awk '$2 ~ /[tbdr]/ && $1 !~ /[.]/ {print $1}' | sort -u >>"$scratch/local"
    # A static inline function of a header is in many objects by right.
    count=$((count + 1))
done
[ $count -gt 0 ] || fail "no object files found below build/dev/core"
grep -ho 'static inline [^(]*[ *]\([a-z_0-9]*\)(' -r core/src core/include --include='*.h' |
    sed 's/.*[ *]\([a-z_0-9]*\)($/\1/' | sort -u >"$scratch/inline"
twice=$(sort "$scratch/local" | uniq -d | grep -vxFf "$scratch/inline" || true)
[ -z "$twice" ] || fail "file-local names used by two files of core/src: $twice"
echo "$count objects, $(wc -l <"$scratch/local") local names, none twice"
