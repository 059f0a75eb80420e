#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# limits.sh WHICH - a machine that runs out never takes the user's program down:
#   tmpfs   the ledger's file system is full, from the start or later
#   memory  address space is limited (ulimit -v)
. "$(dirname "$0")/step.sh"
(cd e2e && go build -o "$scratch/consumer" ./consumer)

case $1 in
tmpfs)
    # A mount needs root in a namespace of its own, which an ordinary user may have as well.
    namespace=(unshare --mount)
    [ "$(id -u)" = 0 ] || namespace+=(--user --map-root-user)
    "${namespace[@]}" true 2>/dev/null || cannot "no mount namespaces for this user"
    cat >"$scratch/inside" <<'TEXT'
set -eu
consumer=$1 folder=$2
mkdir "$folder"
for size in 4k 64k 700k 2m; do
    mount -t tmpfs -o size=$size tmpfs "$folder"
    echo "== tmpfs of $size"
    BELAY_LEDGER=$folder/ledger "$consumer"
    # And with not one page left.
    rm -f "$folder/ledger"
    dd if=/dev/zero of="$folder/filler" bs=4k 2>/dev/null || true
    echo "== tmpfs of $size, full"
    BELAY_STDERR=1 BELAY_LEDGER=$folder/ledger "$consumer" 2>"$consumer.errors"
    cat "$consumer.errors" >&2
    grep -qi ledger "$consumer.errors" || { echo "FAIL: nothing said about the ledger"; exit 1; }
    umount "$folder"
done
TEXT
    "${namespace[@]}" bash "$scratch/inside" "$scratch/consumer" "$scratch/small"
    ;;
memory)
    # Go itself takes some hundred MB of address space; find its floor with a program that does not use Belay.
    printf 'package main\n\nimport "C"\n\nfunc main() { println("up") }\n' >"$scratch/empty.go"
    go build -o "$scratch/empty" "$scratch/empty.go"
    floor=100000
    until (ulimit -v $floor && GOMAXPROCS=2 "$scratch/empty" >/dev/null 2>&1); do
        floor=$((floor + 50000))
        [ $floor -lt 4000000 ] || fail "Go does not even start with $floor KiB"
    done
    echo "an empty Go program starts with $floor KiB; the consumer gets 200 MiB more"
    (ulimit -v $((floor + 200000)) && GOMAXPROCS=2 "$scratch/consumer")
    ;;
*) fail "unknown: $1" ;;
esac
