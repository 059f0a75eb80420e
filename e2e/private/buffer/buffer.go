// SPDX-License-Identifier: MIT

// Package buffer wraps malloc.
package buffer

// #include <stdlib.h>
import "C"

import (
	"unsafe"

	"belay.example/belay"
)

var bufferType = belay.NewType[unsafe.Pointer]("buffer", belay.Free())

// A Buffer is a block of C memory.
type Buffer struct{ owned belay.Owned[unsafe.Pointer] }

// New makes one of size bytes.
func New(size int) (Buffer, error) {
	p := C.malloc(C.size_t(size))
	owned, err := bufferType.Own(p)
	if err != nil {
		C.free(p)
	}
	return Buffer{owned}, err
}

// Close frees it.
func (b Buffer) Close() error { return b.owned.Close() }
