// SPDX-License-Identifier: MIT

//go:build !amd64 && !arm64

package goroutine

import (
	"bytes"
	"runtime"
	"strconv"
	"unsafe"
)

// HasDescriptor says that an identity is no address here, and slow.
const HasDescriptor = false

// Trace is TracePortable here. What it is given is of no use.
func Trace(unsafe.Pointer) uintptr { return TracePortable(1) }

// TraceDeep is TracePortable here.
func TraceDeep() uintptr { return TracePortable(1) }

// TraceAll hashes the whole stack, up to 64 return addresses.
func TraceAll() uintptr {
	var pcs [64]uintptr
	count := runtime.Callers(2, pcs[:])
	return Hash(pcs[:count])
}

// Addresses is AddressesPortable here.
func Addresses(into *[AddressesMax]uintptr) (count int) { return runtime.Callers(3, into[:]) }

// Identity returns 512 times the goroutine's number, read from its stack trace:
// slow, and right. Descriptors are about that far apart where there are any.
func Identity() uintptr {
	var text [64]byte
	words := bytes.Fields(text[:runtime.Stack(text[:], false)])
	number, err := strconv.ParseUint(string(words[1]), 10, 64)
	if err != nil {
		panic("belay: the first line of a stack trace has no goroutine number: " + string(text[:]))
	}
	return uintptr(number * 512)
}
