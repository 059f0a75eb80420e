// SPDX-License-Identifier: MIT

// Package goroutine tells goroutines apart and names call sites, in a few
// nanoseconds each.
//
// It is apart from package belay because a package with cgo can hold no Go
// assembly.
package goroutine

import "runtime"

// Depth is how many return addresses a trace covers.
const Depth = 2

// DepthDeep is how many a deep trace covers.
const DepthDeep = 10

// AddressesMax is how many return addresses [Addresses] gives at most.
const AddressesMax = 64

// mix folds one return address into a trace's hash. The assembly does the same.
func mix(hash, pc uintptr) uintptr {
	return (hash<<13 | hash>>51) ^ pc
}

// Hash returns the hash of a trace with these return addresses.
func Hash(pcs []uintptr) uintptr {
	hash := uintptr(0)
	for _, pc := range pcs {
		hash = mix(hash, pc)
	}
	return hash
}

// TracePortable is Trace by runtime.Callers, a hundred times slower: for where
// Trace does not see what the runtime sees. skip counts functions between.
func TracePortable(skip int) uintptr {
	var pcs [DepthDeep]uintptr
	count := runtime.Callers(3+skip, pcs[:])
	return Hash(pcs[:count])
}

// AddressesPortable is Addresses by runtime.Callers.
func AddressesPortable(into *[AddressesMax]uintptr) (count int) { return runtime.Callers(3, into[:]) }
