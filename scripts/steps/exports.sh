#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# exports.sh - libbelay.so exports exactly what the headers mark BELAY_API; libbelay.a defines belay_* only.
. "$(dirname "$0")/step.sh"
cmake --preset dev
cmake --build --preset dev -j "$jobs" --target belay_static belay_shared

nm -D --defined-only --format=posix build/dev/lib/libbelay.so |
    awk '$2 != "A" {sub(/@.*/, "", $1); print $1}' | sort >"$scratch/exported"
# The compiler says what the headers declare: visible names used nowhere else, by preprocessing a list.
cat core/include/belay/*.h | grep -v '^ \*' | tr '\n' ' ' | sed 's/BELAY_API/\n&/g' |
    sed -n 's/^BELAY_API *\(extern const int *\)\?\(BELAY_LINK_VERSION\);.*/\2/p
            s/^BELAY_API[^;{]*[ *]\(belay_[a-z0-9_]*\)(.*/\1/p' |
    sed "s/BELAY_LINK_VERSION/$(sed -n 's/^#define BELAY_LINK_VERSION //p' core/include/belay/export.h)/" |
    sort -u >"$scratch/declared"
[ -s "$scratch/declared" ] || fail "no BELAY_API declaration found"
diff "$scratch/declared" "$scratch/exported" ||
    fail "declared (<) and exported (>) differ; exports are hidden by default and marked BELAY_API"

nm --defined-only --extern-only --format=posix build/dev/lib/libbelay.a |
    awk 'NF > 2 && $2 ~ /[A-TV-Z]/ && $1 !~ /^belay_/ {print $1}' >"$scratch/stray"
[ ! -s "$scratch/stray" ] || fail "libbelay.a defines names that are not belay_*: $(tr '\n' ' ' <"$scratch/stray")"
echo "$(wc -l <"$scratch/exported") exported, all declared"
