#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# statics.sh - no two files of core/src have a file-local name in common.
#
# cgo_core.c compiles all of them as one file, where two uninitialised `static int n;` silently become one
# variable. Unoptimised objects show every local name; names inside functions carry a dot.
. "$(dirname "$0")/step.sh"

count=0
while IFS= read -r -d '' source; do
    gcc -std=c11 -D_GNU_SOURCE -DBELAY_BUILDING -O0 -fkeep-static-functions \
        -Icore/include -Icore/src -c "$source" -o "$scratch/object.o"
    nm --format=posix "$scratch/object.o" | awk '$2 ~ /[tbdr]/ && $1 !~ /[.]/ {print $1}' | sort -u >>"$scratch/local"
    count=$((count + 1))
done < <(find core/src -name '*.c' ! -path '*/platform/posix/*' -print0)
[ $count -gt 0 ] || fail "no C files below core/src"
# A static inline function of a header is in many objects by right.
grep -ho 'static inline [^(]*[ *]\([a-z_0-9]*\)(' -r core/src core/include --include='*.h' |
    sed 's/.*[ *]\([a-z_0-9]*\)($/\1/' | sort -u >"$scratch/inline"
twice=$(sort "$scratch/local" | uniq -d | grep -vxFf "$scratch/inline" || true)
[ -z "$twice" ] || fail "file-local names used by two files of core/src: $twice"
echo "$count files, $(wc -l <"$scratch/local") local names, none twice"
