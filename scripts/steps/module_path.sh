#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# module_path.sh - scripts/set-module-path renames the module so that everything still builds.
. "$(dirname "$0")/step.sh"
old=$(sed -n 's/^module //p' go.mod)
copy_tree "$scratch/tree"
cd "$scratch/tree"
git init -q .
scripts/set-module-path code.example/elsewhere/belay
! grep -rnI "$old" . --exclude-dir=.git || fail "the old path is left"
go vet . ./belaytest/...
(cd e2e && go run ./consumer)
! scripts/set-module-path dotless 2>/dev/null || fail "a path without a dot was taken"
