// SPDX-License-Identifier: MIT

// Command part is a plugin (-buildmode=plugin).
package main

/*
#include <stdlib.h>

static __attribute__((noinline)) void *part_alloc(void) {
    void *volatile block = malloc(17);

    return block;
}
*/
import "C"

func inner() { C.part_alloc() } // inlined

//go:noinline
func own() { inner() }

// Work allocates by the program's code first, so that this file is first seen in the midst
// of a stack.
//
//go:noinline
func Work(back func()) {
	back()
	own()
}

func main() {}
