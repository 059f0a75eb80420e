// SPDX-License-Identifier: MIT

// Command withplugin loads the Go plugin named first, lets it allocate C memory and call
// back here to allocate more, and prints the truth as prof/test/truth does.
package main

/*
#include <stdlib.h>

static __attribute__((noinline)) void *host_alloc(void) {
    void *volatile block = malloc(31);

    return block;
}
*/
import "C"

import (
	"fmt"
	"os"
	"plugin"
)

const rounds = 100

//go:noinline
func hostAlloc() { C.host_alloc() }

func main() {
	loaded, err := plugin.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	work, err := loaded.Lookup("Work")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for i := 0; i < rounds; i++ {
		work.(func(func()))(hostAlloc)
	}
	const part = "belay.example/belay/prof/test/withplugin/part"
	fmt.Printf("back\t%d\t%d\t%d\t%d\thost_alloc main.hostAlloc %s.Work main.main\n",
		rounds, 31*rounds, rounds, 31*rounds, part)
	fmt.Printf("own\t%d\t%d\t%d\t%d\tpart_alloc %s.inner %s.own %s.Work main.main\n",
		rounds, 17*rounds, rounds, 17*rounds, part, part, part)
}
