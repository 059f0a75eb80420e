#!/bin/sh
# SPDX-License-Identifier: MIT
# golden.sh BELAY_TOP SYNTHESISE EXPECT [--update] - goal: the output changes only on purpose. Method: the
# synthetic ledger, shown in each way, is compared with a file; --update writes the files anew.
set -eu
top=$1 synthesise=$2 expect=$3 update=${4:-}
folder=$(mktemp -dt belay-top-golden.XXXXXX)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM HUP
export TZ=UTC LC_ALL=C
cd "$folder"
"$synthesise" demo.ledger
failed=0

# NAME EXIT-CODE OPTIONS: standard output is compared, then standard error with "err" in its name.
check() {
    name=$1 want=$2
    shift 2
    code=0
    "$top" "$@" >"$name.txt" 2>"$name.err.txt" || code=$?
    [ "$code" = "$want" ] || { echo "$name: exit code $code, not $want"; failed=1; }
    for file in "$name.txt" "$name.err.txt"; do
        if [ "$update" = --update ]; then
            [ ! -s "$file" ] || cp "$file" "$expect/$file"
        elif [ -s "$file" ] || [ -e "$expect/$file" ]; then
            diff -u "$expect/$file" "$file" || { echo "$name: differs"; failed=1; }
        fi
    done
}

check once 0 --once demo.ledger
check rows 0 --once --rows --sort=age demo.ledger
check type 0 --once --type sqlite3_stmt --limit 1 demo.ledger
check bare 0 --once --no-header --sort=count demo.ledger
check json 0 --json --rows demo.ledger

check type_unknown 1 --once --type nothing demo.ledger
check missing 1 --once no-such-file
check folder 1 --once .
check pid_too_big 1 --once 99999999999999999999
check no_argument 2
check two_arguments 2 a b
check limit_zero 2 --limit 0 demo.ledger
check sort_unknown 2 --sort=size demo.ledger

head -c 100 demo.ledger >head.ledger
check cut_header 1 --once head.ledger
head -c 128192 demo.ledger >cut.ledger
check cut_rows 1 --once cut.ledger
echo hello >text.ledger
check not_a_ledger 1 --once text.ledger
: >empty.ledger
check empty 1 --once empty.ledger
head -c 4096 /dev/zero >zero.ledger
check unfinished 1 --once zero.ledger
cp demo.ledger newer.ledger
printf '\002' | dd of=newer.ledger bs=1 seek=8 conv=notrunc 2>/dev/null
check newer 1 --once newer.ledger

"$top" --version | grep -qx 'belay-top [0-9.]*' || { echo "--version: strange"; failed=1; }
"$top" --help | grep -q -- '--no-header' || { echo "--help: strange"; failed=1; }
[ -z "$("$top" --once demo.ledger 2>&1 >/dev/full | grep -v 'cannot write the output')" ] ||
    { echo "a full device: strange"; failed=1; }
# A reader that left: not a word, even below a parent that ignores SIGPIPE.
(trap '' PIPE; sleep 0.2; "$top" --once --rows demo.ledger 2>pipe.err) | true
[ ! -s pipe.err ] || { echo "closed pipe: $(cat pipe.err)"; failed=1; }
exit $failed
