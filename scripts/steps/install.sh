#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# install.sh - `make install` into a stage, then programs outside the tree by pkg-config and find_package.
. "$(dirname "$0")/step.sh"
stage=$scratch/stage prefix=/usr
make install DESTDIR="$stage" PREFIX=$prefix
cp -r e2e/install "$scratch/app"
cd "$scratch/app"
(cd "$stage" && find . -type f -o -type l) | sort
library=$(dirname "$(find "$stage" -name libbelay.so)")
[ -L "$library/libbelay.so" ] || fail "no libbelay.so installed, or it is not a link to its version"
[ -n "$(find "$stage$prefix/share/man" -type f)" ] || fail "no manual page installed"

export PKG_CONFIG_SYSROOT_DIR=$stage PKG_CONFIG_LIBDIR=$library/pkgconfig LD_LIBRARY_PATH=$library
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
flags=$(pkg-config --cflags --libs belay)
# shellcheck disable=SC2086
gcc -std=c11 -Wall -Wextra -Wpedantic -Werror app.c $flags -o by_pkg_config && ./by_pkg_config
# shellcheck disable=SC2086
g++ -x c++ -std=c++11 -Wall -Wextra -Werror app.c $flags -o by_cxx && ./by_cxx
# shellcheck disable=SC2046
gcc -std=c11 app.c -I"$stage$prefix/include" "$library/libbelay.a" $(pkg-config --libs-only-other --static belay) \
    -o by_archive && ./by_archive

cmake -S . -B build -G Ninja -Dbelay_DIR="$library/cmake/belay"
cmake --build build
build/app_belay
build/app_static
for tool in belay-top belay-prof; do
    [ ! -d "$root/${tool#belay-}" ] || "$stage$prefix/bin/$tool" --help >/dev/null || fail "$tool --help failed"
done
