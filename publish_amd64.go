// SPDX-License-Identifier: MIT

//go:build amd64 && !race

package belay

// release64 and release32 store after everything that came before. On amd64 a
// plain store is that: neither the processor nor the compiler moves a store
// before an earlier load or store.

func release64(address *uint64, value uint64) { *address = value }

func release32(address *uint32, value uint32) { *address = value }
