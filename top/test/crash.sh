#!/bin/sh
# SPDX-License-Identifier: MIT
# crash.sh BELAY_TOP CRASH - goal: what a program held is read back after SIGKILL, and while it runs. Method: a
# program that uses the core is killed, ended and watched; counts, states, types and opening lines are exact.
set -eu
top=$1 crash=$2
folder=$(mktemp -dt belay-top-crash.XXXXXX)
waiter=
finish() {
    [ -z "$waiter" ] || kill -9 "$waiter" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP
cd "$folder"
failed=0

fail() {
    echo "FAIL: $*"
    failed=1
}

# LABEL COMMAND...: what is open, without ages, must be this.
check_open() {
    label=$1
    shift
    cat >want.txt <<'TEXT'
4.0 KiB 1 tree used 1 garden.c:10
1.9 KiB 19 leaf idle 17, used 1, closing 1 garden.c:20
7 B 1 rock idle 1 quarry.c:3
TEXT
    "$@" --once >out.txt 2>err.txt || fail "$label: exit code $?: $(cat err.txt)"
    sed -n '/^COUNT/,/^$/p' out.txt | sed '1d;/^$/d' | sed 's/^ *//;s/  */ /g' |
        sed -E 's/^([0-9]+) ([0-9.]+ [KMG]?i?B) [0-9.]+m?s /\2 \1 /' >got.txt
    diff -u want.txt got.txt || { fail "$label: not what was open"; cat out.txt; }
    grep -q '^reports: 1 in all, 1 in' out.txt || { fail "$label: not one report"; cat out.txt; }
    grep -q 'destroy-refused .*rock .*opened quarry.c:3.*code 5' out.txt || fail "$label: not that report"
    [ ! -s err.txt ] || fail "$label: $(cat err.txt)"
}

BELAY_LEDGER=killed.ledger "$crash" kill 2>/dev/null && fail "the program did not die" || true
check_open "killed" "$top" killed.ledger
head -n 1 out.txt | grep -q ', died$' || fail "killed: $(head -n 1 out.txt)"
[ "$(stat -c %a killed.ledger)" = 600 ] || fail "killed.ledger: mode $(stat -c %a killed.ledger)"

BELAY_LEDGER=ended.ledger "$crash" shutdown
"$top" --once ended.ledger >out.txt || fail "ended: exit code $?"
head -n 1 out.txt | grep -q ', ended cleanly$' || fail "ended: $(head -n 1 out.txt)"
grep -q '^open: 0$' out.txt || fail "ended: something is open"
grep -q 'leak .*opened garden.c:10' out.txt || fail "ended: the leak is not reported"

for ledger in '' file.ledger; do
    rm -f pipe
    mkfifo pipe
    env ${ledger:+BELAY_LEDGER=$ledger} "$crash" wait >pipe &
    waiter=$!
    read -r _ <pipe
    check_open "running, ledger '$ledger'" "$top" "$waiter"
    head -n 1 out.txt | grep -q ', running for ' || fail "running: $(head -n 1 out.txt)"
    "$top" --json "$waiter" | grep -q '"state": "running"' || fail "running: the JSON says otherwise"
    kill -9 "$waiter"
    wait "$waiter" 2>/dev/null || true
    waiter=
done
check_open "killed by us" "$top" file.ledger
exit $failed
