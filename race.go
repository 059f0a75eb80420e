// SPDX-License-Identifier: MIT

//go:build race && cgo

package belay

import (
	"runtime"
	"unsafe"
)

// The race detector sees no C memory. In its place each net has a shadow word
// in Go memory: a borrow acquires it, a return releases it, a use reads it, the
// destructor writes it. A use that no borrow orders before the destruction is
// then a race that it reports.
const raceEnabled = true

type shadow [8]byte

func raceBorrowed(n *net) { runtime.RaceAcquire(unsafe.Pointer(&n.shadow)) }

func raceReturning(n *net) { runtime.RaceReleaseMerge(unsafe.Pointer(&n.shadow)) }

func raceUse(n *net) { runtime.RaceRead(unsafe.Pointer(&n.shadow)) }

func raceOwned(n *net) {
	runtime.RaceAcquire(unsafe.Pointer(&n.shadow))
	runtime.RaceReleaseMerge(unsafe.Pointer(&n.shadow))
}

func raceDestroyed(n *net) {
	runtime.RaceAcquire(unsafe.Pointer(&n.shadow))
	runtime.RaceWrite(unsafe.Pointer(&n.shadow))
	runtime.RaceReleaseMerge(unsafe.Pointer(&n.shadow))
}
