// SPDX-License-Identifier: MIT

// Cshared is a Go shared library with Belay inside, loaded by the C program in host/.
package main

// #include <stdlib.h>
import "C"

import (
	"context"
	"time"
	"unsafe"

	"belay.example/belay"
)

var blockType = belay.NewType[unsafe.Pointer]("block", belay.Destroy(func(p unsafe.Pointer) error {
	C.free(p)
	return nil
}))

// run_belay owns and closes count blocks, leaves one open, shuts down; 0 is success.
//
//export run_belay
func run_belay(count C.int) C.int {
	for i := range int(count) {
		block, err := blockType.Own(C.malloc(16))
		if err != nil {
			return 1
		}
		if i == 0 {
			continue
		}
		if err := block.Close(); err != nil {
			return 2
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := belay.Shutdown(ctx); err != nil {
		return 3
	}
	for range belay.Live() {
		return 4
	}
	return 0
}

func main() {}
