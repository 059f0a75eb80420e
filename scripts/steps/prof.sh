#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# prof.sh truth|demo - belay-prof on programs that know what they allocated, or its demo.
. "$(dirname "$0")/step.sh"
cmake --preset release
cmake --build --preset release -j "$jobs"
[ -x build/bin/belay-prof ] || fail "belay-prof was left out of the build"
case $1 in
truth) prof/test/run --build build ;;
demo) prof/demo/run --build build ;;
esac
