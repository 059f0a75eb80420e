// SPDX-License-Identifier: MIT

package belaytest

import (
	"context"
	"runtime/pprof"
	"unsafe"
)

// Profiler labels are the one thing that a goroutine hands down to those it starts. So each
// test gets labels of its own, and their address tells which test a goroutine works for.

// labels returns the address of this goroutine's labels. Its name and that of labelsSet are
// among those that the runtime keeps for others to link to.
//
//go:linkname labels runtime/pprof.runtime_getProfLabel
func labels() unsafe.Pointer

//go:linkname labelsSet runtime/pprof.runtime_setProfLabel
func labelsSet(unsafe.Pointer)

// labelsMake gives this goroutine labels of its own and returns their address.
func labelsMake(test string) unsafe.Pointer {
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("test", test)))
	return labels()
}
