// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"os"
	"runtime"
)

// BELAY_STRESS=gc collects garbage at every borrow, also between its load and
// its compare-and-swap, to flush out objects that nothing keeps alive.
var stressGC = os.Getenv("BELAY_STRESS") == "gc"

// slowReference is put into every reference when fast paths must be missed:
// under stress, and for the race detector. No state matches it.
var slowReference = slowReferenceOf()

func slowReferenceOf() uint64 {
	if raceEnabled || stressGC {
		return stateOverflow
	}
	return 0
}

func collectUnderStress() {
	if stressGC {
		runtime.GC()
	}
}
