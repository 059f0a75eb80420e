# SPDX-License-Identifier: MIT
# step.sh - sourced first by every step: the toolchain, the top folder, the three ways a step can end.
. "$(dirname "${BASH_SOURCE[0]}")/../toolchain.sh"
cd "$root"

# This machine cannot do the step; never used for a missing package that scripts/setup installs.
cannot() {
    echo "$*"
    exit 77
}

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# A folder outside the tree, removed when the step ends.
scratch=$(mktemp -dt belay-step.XXXXXX)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP # after the command that is running, which may still write there

# Copies the tree as a fresh clone would hold it, with what is not committed yet, to the folder $1.
copy_tree() {
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
        tar --null -cf - -T - | tar -xf - -C "$1"
}
