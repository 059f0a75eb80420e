// SPDX-License-Identifier: MIT

//go:build !amd64 || race

package belay

import "sync/atomic"

// release64 and release32 store after everything that came before.

func release64(address *uint64, value uint64) { atomic.StoreUint64(address, value) }

func release32(address *uint32, value uint32) { atomic.StoreUint32(address, value) }
