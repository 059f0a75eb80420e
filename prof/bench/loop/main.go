// SPDX-License-Identifier: MIT

// Command loop times malloc and free in C below ten Go frames; it prints the nanoseconds
// a pair of processor time, and of the clock on the wall.
package main

/*
#include <stdlib.h>
#include "chain.h"
*/
import "C"

import (
	"flag"
	"fmt"
)

//go:noinline
func below(depth int, run func()) int {
	if depth == 0 {
		run()
		return 0
	}
	return below(depth-1, run) + 1
}

//go:noinline
func leaky(count int) { C.chain_leak(C.long(count)) }

func main() {
	pairs := flag.Int("n", 4000000, "pairs of malloc and free")
	leak := flag.Int("leak", 0, "blocks of 1000 bytes to leak instead")
	flag.Parse()
	if *leak > 0 {
		below(7, func() { leaky(*leak) })
		// Profilers that write at exit need C's exit: Go's never runs its handlers.
		C.exit(0)
	}
	below(7, func() {
		var elapsed C.uint64_t
		C.chain_churn(C.long(*pairs/10), &elapsed)
		used := C.chain_churn(C.long(*pairs), &elapsed)
		fmt.Printf("%.3f %.3f\n", float64(used)/float64(*pairs), float64(elapsed)/float64(*pairs))
	})
}
