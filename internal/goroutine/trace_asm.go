// SPDX-License-Identifier: MIT

//go:build amd64 || arm64

package goroutine

// HasDescriptor says that an identity is the address of a descriptor, which only
// the goroutine that runs has, at the price of a call. One that ended leaves it
// to a later one.
const HasDescriptor = true

// TraceDeep returns a hash of the DepthDeep return addresses that begin with the
// return into the caller of TraceDeep's caller.
//
// It follows the frame pointers, stays within the goroutine's stack, and ends
// early where a frame does not lead further up.
//
//go:noescape
func TraceDeep() (hash uintptr)

// TraceAll is TraceDeep over the whole stack, up to 64 return addresses.
//
//go:noescape
func TraceAll() (hash uintptr)

// Addresses writes the return addresses that a trace covers, and those further
// up, and returns how many there are.
//
//go:noescape
func Addresses(into *[AddressesMax]uintptr) (count int)

// Identity returns the address of the running goroutine's descriptor, to compare
// and to hash.
func Identity() uintptr
