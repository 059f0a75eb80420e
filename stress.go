// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"fmt"
	"os"
	"runtime"
)

// BELAY_STRESS=gc collects garbage at every borrow, also between its load and
// its compare-and-swap, to flush out objects that nothing keeps alive. It only
// costs time, so it is read in a setuid program too (SECURITY.md).
var stressGC = stressWanted(os.Getenv("BELAY_STRESS"))

func stressWanted(word string) bool {
	if word != "" && word != "gc" {
		fmt.Fprintf(os.Stderr, "belay: BELAY_STRESS is %q, not gc: nothing is stressed\n", word)
	}
	return word == "gc"
}

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
