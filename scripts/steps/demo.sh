#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# demo.sh WHICH - the demonstration: `end` runs it to its table, `crash` kills it and reads the ledger back.
. "$(dirname "$0")/step.sh"
case $1 in
end)
    make demo ARGS= | tee "$scratch/output"
    grep -q 'rescued' "$scratch/output" || fail "no table at the end"
    ;;
crash)
    make demo ARGS=--crash | tee "$scratch/output"
    grep -Eq 'sqlite3_stmt .*\.go:[0-9]+' "$scratch/output" || fail "the post-mortem names no opening line"
    ;;
*) fail "unknown: $1" ;;
esac
