#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# link_modes.sh MODE - the other ways to link a Go program: c_shared (and c-archive), pie, trimpath.
. "$(dirname "$0")/step.sh"
case $1 in
c_shared)
    (cd e2e && go build -buildmode=c-shared -o "$scratch/libgo.so" ./cshared)
    gcc -std=c11 -Wall -Wextra -Werror -o "$scratch/host" e2e/cshared/host/host.c -ldl
    "$scratch/host" "$scratch/libgo.so"
    (cd e2e && go build -buildmode=c-archive -o "$scratch/libgo.a" ./cshared)
    printf '#include "libgo.h"\nint main(void) { return run_belay(1000); }\n' >"$scratch/static.c"
    gcc -o "$scratch/static" "$scratch/static.c" "$scratch/libgo.a" -pthread -lm
    "$scratch/static"
    ;;
pie)
    (cd e2e && go build -buildmode=pie -o "$scratch/program" ./consumer)
    file_type=$(od -An -t u2 -j 16 -N 2 "$scratch/program" | tr -d ' ') # e_type: 3 is ET_DYN
    [ "$file_type" = 3 ] || fail "no position independent program: ELF type $file_type"
    "$scratch/program"
    ;;
trimpath)
    (cd e2e && go build -trimpath -o "$scratch/program" ./consumer)
    ! grep -qF "$root/" "$scratch/program" || fail "the program holds the path of the tree"
    "$scratch/program"
    ;;
*) fail "unknown: $1" ;;
esac
