#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# consumer.sh WAY - e2e/consumer, or e2e/private, as a user's own module:
#   module  fetched with `go get` from a module zip, as from a proxy
#   vendor  vendored, built with no module cache at hand
#   moved   the tree copied elsewhere, built and tested there
#   private a module whose name has no dot, with paths and without
. "$(dirname "$0")/step.sh"
module=$(sed -n 's/^module //p' go.mod)
export GOFLAGS="-buildvcs=false -modcacherw" GOWORK=off

# Lays a module proxy of one module into $scratch/proxy, its zip made from the tree as `go mod` would.
make_proxy() {
    local version=v0.0.1 versions=$scratch/proxy/$module/@v name=$module@v0.0.1
    mkdir -p "$versions"
    copy_tree "$scratch/zip/$name"
    # A nested module is no part of the module around it.
    find "$scratch/zip/$name" -mindepth 2 -name go.mod -printf '%h\n' | xargs -r rm -rf
    cp go.mod "$versions/$version.mod"
    printf '{"Version":"%s","Time":"2026-01-01T00:00:00Z"}\n' $version >"$versions/$version.info"
    echo $version >"$versions/list"
    (cd "$scratch/zip" && find . -type f | sed 's|^\./||' | sort | python3 -c '
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    for path in sys.stdin.read().splitlines():
        archive.write(path)' "$versions/$version.zip")
}

make_consumer() {
    mkdir -p "$scratch/app"
    cp e2e/consumer/main.go "$scratch/app/"
    cd "$scratch/app"
    printf 'module consumer.example/app\n\ngo %s\n' "$go_floor" >go.mod
}

case $1 in
module)
    make_proxy
    make_consumer
    # No $GOMODCACHE of ours must hold the module, and no checksum database knows it.
    GOMODCACHE=$scratch/modcache GOPROXY=file://$scratch/proxy GONOSUMDB=* GOFLAGS="$GOFLAGS -mod=mod"
    export GOMODCACHE GOPROXY GONOSUMDB
    go get "$module@v0.0.1"
    go vet ./... && go run .
    ;;
vendor)
    make_consumer
    go mod edit -require "$module@v0.0.0" -replace "$module=$root"
    GOPROXY=off go mod tidy
    go mod vendor
    # What was not vendored must not be found elsewhere.
    go mod edit -replace "$module=$scratch/gone"
    sed -i "s|=> $root|=> $scratch/gone|" vendor/modules.txt
    [ -d "vendor/$module/core/src" ] || fail "go mod vendor left core/src behind"
    GOPROXY=off go run -mod=vendor .
    GOPROXY=off go run -mod=vendor -race .
    ;;
moved)
    copy_tree "$scratch/moved/tree"
    cd "$scratch/moved/tree"
    (cd e2e && GOPROXY=off go run ./consumer)
    go test -short .
    cmake -S . -B build -G Ninja -DBUILD_TESTING=OFF && cmake --build build
    [ -f build/lib/libbelay.so ] || fail "a plain cmake -B build made no build/lib/libbelay.so"
    ;;
private)
    cd e2e/private
    GOPROXY=off go run .
    GOPROXY=off go run -trimpath .
    ;;
*) fail "unknown: $1" ;;
esac
