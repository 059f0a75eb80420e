# SPDX-License-Identifier: MIT
# toolchain.sh - sourced by every script: where the tree and its tools are.
#
# Puts what scripts/setup installed below build/ in front of PATH; a Go of the machine's own comes first when
# it is new enough, so that nothing is installed twice.
set -eu
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
go_floor=1.24

# True when `go` on PATH is at least the module's floor, without fetching another one.
go_is_new_enough() {
    local version
    version=$(cd / && GOTOOLCHAIN=local go version 2>/dev/null | sed -n 's/^go version go\([0-9.]*\).*/\1/p')
    [ -n "$version" ] && [ "$(printf '%s\n%s\n' "$go_floor" "$version" | sort -V | head -n 1)" = "$go_floor" ]
}

PATH=$PATH:/usr/local/go/bin:/usr/lib/go/bin
go_is_new_enough || PATH=$root/build/toolchain/go/bin:$PATH
export PATH=$root/build/toolchain/bin:$root/build/bin:$PATH
# The newest clang of the machine that has the sanitizer runtimes.
clang=$(command -v clang-19 || command -v clang || echo clang-19)
# A tree that belongs to another user must build as well (version stamps ask git, and git refuses).
export GOFLAGS="${GOFLAGS:--buildvcs=false}"
jobs=$(nproc 2>/dev/null || echo 2)
