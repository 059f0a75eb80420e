#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# man.sh - the manual pages are well formed.
. "$(dirname "$0")/step.sh"
pages=(man/*.[1-8])
[ -f "${pages[0]}" ] || fail "no pages in man/"
mandoc -T lint -W warning "${pages[@]}"
for page in "${pages[@]}"; do
    grep -qi '^\.Sh NAME' "$page" || fail "$page has no NAME section"
done
echo "${#pages[@]} pages"
