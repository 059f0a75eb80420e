#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rebuild.sh - an edit of a core .c file, and of a core header, reaches the next `go build` and `go test`.
#
# Go's build cache looks only at files it knows of; C in a folder without Go files is unknown to it unless
# embedded, and then old code runs and tests print "(cached)".
. "$(dirname "$0")/step.sh"
copy_tree "$scratch/tree"
cd "$scratch/tree"

# Plants marker $2 in file $1, before a header's last #endif, and expects it in the program built next.
expect_rebuild() {
    local marker="__attribute__((used)) static const char belay__marker_$2[] = \"belay-marker-$2\";"
    case $1 in
    *.h) sed -i "\$i $marker" "$1" ;;
    *) printf '\n%s\n' "$marker" >>"$1" ;;
    esac
    (cd e2e && go build -o "$scratch/program" ./consumer)
    grep -q "belay-marker-$2" "$scratch/program" || fail "an edit of $1 did not rebuild"
    "$scratch/program"
    echo "edit of $1: rebuilt"
}

(cd e2e && go build -o "$scratch/program" ./consumer)
grep -q 'belay-marker' "$scratch/program" && fail "the marker was there before"
source=$(find core/src -maxdepth 1 -name '*.c' | sort | head -n 1)
expect_rebuild "$source" one
expect_rebuild "$source" two
for header in core/src/slot.h core/include/belay/handle.h; do
    [ -f "$header" ] || fail "$header is gone: name another header here"
    expect_rebuild "$header" "$(basename "$header" .h)"
done
