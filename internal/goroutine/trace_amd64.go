// SPDX-License-Identifier: MIT

//go:build !asan

package goroutine

import "unsafe"

// Trace returns a hash of the Depth return addresses that begin with the return
// into the caller of Trace's caller. first is the address of the caller's first
// argument: the compiler keeps an argument whose address is taken where the caller
// left room for it, right above the return address, which lies above the frame
// pointer, as long as the function calls any other. It must be marked go:noinline: in an
// inlined one, the argument is a variable between others, and a profile has functions
// inlined that are far too long for it otherwise. It costs no call; who relies on it
// compares it with runtime.Callers once. Not looked at by checkptr, whose second level
// moves the argument to the heap: the comparison fails then.
//
//go:nocheckptr
func Trace(first unsafe.Pointer) (hash uintptr) {
	hash = *(*uintptr)(unsafe.Add(first, -8))
	if frame := *(*uintptr)(unsafe.Add(first, -16)); frame > uintptr(first) {
		hash = mix(hash, *(*uintptr)(unsafe.Add(*(*unsafe.Pointer)(unsafe.Pointer(&frame)), 8)))
	}
	return hash
}
