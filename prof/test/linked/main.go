// SPDX-License-Identifier: MIT

// Command linked leaks from one line before it starts its own profile and from another after.
package main

// #include <stdlib.h>
import "C"

import (
	"fmt"
	"log"
	"os"
	"runtime"

	"belay.example/belay/prof"
)

//go:noinline
func before() { _ = C.malloc(1000) }

//go:noinline
func after() { _ = C.malloc(2000) }

func main() {
	runtime.LockOSThread() // each thread notices the start for itself
	for i := 0; i < 10; i++ {
		before()
	}
	if os.Getenv("BELAY_PROF_FILE") == "" {
		if err := prof.Start(os.Args[1], 1); err != nil {
			log.Fatal(err)
		}
		if err := prof.Start(os.Args[1], 1); err == nil {
			log.Fatal("a second start was accepted")
		}
	}
	// A thread looks again after each MiB.
	C.free(C.malloc(2 << 20))
	for i := 0; i < 100; i++ {
		after()
	}
	fmt.Println("done")
}
