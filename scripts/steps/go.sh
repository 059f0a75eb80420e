#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# go.sh WHAT - the Go side: vet, staticcheck, and the tests in each build that finds another kind of error.
. "$(dirname "$0")/step.sh"

# The nested modules: their own dependencies, the same rules.
modules() {
    git ls-files --cached --others --exclude-standard 'go.mod' '*/go.mod' | grep -v '^scripts/' |
        xargs -n 1 dirname
}

[ -f go.mod ] || fail "no go.mod in the top folder"
case $1 in
vet)
    for module in $(modules); do
        (cd "$module" && echo "go vet in $module" && go vet ./...)
        (cd "$module" && go mod verify && go mod tidy -diff)
    done
    ;;
staticcheck)
    go build -C scripts/tools -o "$root/build/toolchain/bin/staticcheck" honnef.co/go/tools/cmd/staticcheck
    for module in $(modules); do
        (cd "$module" && echo "staticcheck in $module" && staticcheck ./...)
    done
    ;;
test) go test -count=1 ./... ;;
race) go test -count=1 -race ./... ;;
asan) go test -count=1 -asan ./... ;;
cgocheck2) GOEXPERIMENT=cgocheck2 go test -count=1 ./... ;;
stress_gc) BELAY_STRESS=gc go test -count=1 -short ./... ;;
# The oldest Go that go.mod promises; the go command fetches it as a module.
floor)
    floor=$(sed -n 's/^go \([0-9.]*\)$/\1/p' go.mod)
    [ "${floor%.*}" = "$go_floor" ] || [ "$floor" = "$go_floor" ] || fail "go.mod says go $floor, not $go_floor"
    GOTOOLCHAIN=go1.24.9 go version | grep -q go1.24.9 || fail "go1.24.9 did not come"
    GOTOOLCHAIN=go1.24.9 go test -count=1 ./...
    ;;
# The newest Go that the README names: its linker and its scheduler are what we lean on (docs/decisions/0011).
newest)
    GOTOOLCHAIN=go1.27.3 go version | grep -q go1.27.3 || fail "go1.27.3 did not come"
    GOTOOLCHAIN=go1.27.3 go test -count=1 ./...
    ;;
# Layout and ABI of arm64; qemu-user shows neither memory order nor races.
arm64)
    GOARCH=arm64 CGO_ENABLED=1 CC=aarch64-linux-gnu-gcc \
        go test -count=1 -short -exec 'qemu-aarch64-static -L /usr/aarch64-linux-gnu' . ./internal/... ./belaytest/...
    ;;
# Without cgo there is no Belay: the compiler's first error must say so.
cgo_off)
    if CGO_ENABLED=0 go build . 2>"$scratch/errors"; then
        fail "CGO_ENABLED=0 go build succeeded"
    fi
    cat "$scratch/errors"
    grep -qi 'belay.*cgo' "$scratch/errors" || fail "the error does not say that Belay needs cgo"
    [ "$(grep -c '^[^#]' "$scratch/errors")" = 1 ] || fail "more than one error line"
    ;;
bench) cd bench && go vet ./... && go test -short ./... ;;
*) fail "unknown: $1" ;;
esac
