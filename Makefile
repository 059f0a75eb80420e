# SPDX-License-Identifier: MIT
# A thin front: each target installs what it needs (scripts/setup) and calls one script or CMake.
PREFIX ?= /usr/local
DESTDIR ?=
ARGS ?=
SHELL := /bin/bash
# Recipes run with the tools that scripts/setup put below build/.
run := . scripts/toolchain.sh &&

.PHONY: help build demo prof-demo test check bench mutations format install clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

build: ## libbelay, belay-top, belay-prof into build/bin and build/lib
	@scripts/setup demo
	@mkdir -p build
	@$(run) cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >build/configure.log
	@echo "build: the C libraries and tools, into build/bin and build/lib"
	@$(run) cmake --build --preset release >build/build.log || { cat build/build.log; exit 1; }

demo: build ## the real SQLite under Belay, with numbers (ARGS=--crash: killed mid-way, read back)
	@$(run) cd examples && go run ./sqlite $(ARGS)

prof-demo: build ## an unmodified Go program that leaks C memory, and the three lines that do it
	@$(run) prof/demo/run --build build

test: ## everything, within 30 minutes on two cores
	@scripts/setup test
	@scripts/test full $(ARGS)

check: ## the quick part of it, within 5 minutes
	@scripts/setup test
	@scripts/test quick $(ARGS)

bench: build ## Belay and its peers side by side, into build/bench/results.tsv
	@scripts/setup bench
	@$(run) cd bench && go run . $(ARGS)

mutations: ## break the protocol in each listed way and see the suite go red
	@scripts/setup test
	@scripts/mutations $(ARGS)

format: ## clang-format and gofmt over the tree
	@scripts/setup test
	@scripts/format

install: build ## into PREFIX (/usr/local), below DESTDIR when given
	@$(run) DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX)

clean: ## all that was built; the installed tools in build/toolchain stay
	@find build -mindepth 1 -maxdepth 1 ! -name toolchain ! -name venv -exec rm -rf {} + 2>/dev/null || true
