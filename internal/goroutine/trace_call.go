// SPDX-License-Identifier: MIT

//go:build arm64 || (amd64 && asan)

package goroutine

import "unsafe"

// Trace returns a hash of the Depth return addresses that begin with the return
// into the caller of Trace's caller. first is the address of that one's first
// argument, which is of no use here: arm64 does not tell from it where the frame ends, and
// under the address sanitizer the compiler moves what is so used to the heap.
func Trace(first unsafe.Pointer) (hash uintptr) { return trace() }

// trace is Trace, of its caller, which may be one that Trace is inlined into.
//
//go:noescape
func trace() (hash uintptr)
