// SPDX-License-Identifier: MIT

package goroutine_test

import (
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"belay.example/belay/internal/goroutine"
)

// Goal: the frame-pointer walk sees what the runtime sees. Method: both from one
// function, four calls deep.
func TestTraceAgreesWithRuntime(t *testing.T) { outer(t) }

//go:noinline
func outer(t *testing.T) { middle(t) }

//go:noinline
func middle(t *testing.T) { inner(t) }

//go:noinline
func inner(t *testing.T) { compare(t) }

//go:noinline
func compare(t *testing.T) {
	hash := goroutine.Trace(unsafe.Pointer(&t))
	var pcs [goroutine.Depth]uintptr
	count := runtime.Callers(2, pcs[:])
	if count != goroutine.Depth || hash != goroutine.Hash(pcs[:]) {
		t.Fatalf("Trace %x, runtime.Callers %x of %x", hash, goroutine.Hash(pcs[:]), pcs)
	}
}

//go:noinline
func here() uintptr { return from(0) }

//go:noinline
func from(first int) uintptr {
	hash := goroutine.Trace(unsafe.Pointer(&first))
	runtime.Gosched() // so that it has a frame
	return hash
}

//go:noinline
func herePortable() uintptr {
	hash := goroutine.TracePortable(0)
	return hash
}

// Goal: two lines have two hashes, one line has one. Method: calls in a loop
// and on two lines, for both ways to trace.
func TestTraceTellsLinesApart(t *testing.T) {
	for name, trace := range map[string]func() uintptr{"frames": here, "callers": herePortable} {
		seen := map[uintptr]bool{}
		for range 3 {
			seen[trace()] = true
		}
		if len(seen) != 1 {
			t.Errorf("%s: one line gave %d hashes", name, len(seen))
		}
		seen[trace()] = true
		if len(seen) != 2 {
			t.Errorf("%s: two lines gave %d hashes", name, len(seen))
		}
	}
}

// Goal: a goroutine keeps its identity over stack growth, and no two living
// goroutines share one. Method: deep recursion, and 100 goroutines at once.
func TestIdentity(t *testing.T) {
	before := goroutine.Identity()
	var grow func(depth int) int
	grow = func(depth int) int {
		var pad [256]byte
		if depth == 0 {
			return int(pad[0])
		}
		return grow(depth-1) + int(pad[depth%256])
	}
	grow(10000)
	if goroutine.Identity() != before {
		t.Error("the identity changed when the stack grew")
	}
	if before%8 != 0 || before == 0 {
		t.Errorf("identity %x is not a multiple of 8", before)
	}

	var all sync.Map
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	for range 100 {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			if _, taken := all.LoadOrStore(goroutine.Identity(), true); taken {
				t.Error("two living goroutines share an identity")
			}
			ready.Done()
			<-gate
		}()
	}
	ready.Wait()
	close(gate)
	done.Wait()
}

// Goal: a trace near the bottom of a stack ends there. Method: trace from the
// first function of a goroutine, many times with collections between.
func TestTraceAtTheBottom(t *testing.T) {
	for range 20 {
		done := make(chan uintptr)
		go func() { done <- here() }()
		<-done
		runtime.GC()
	}
}

func BenchmarkTrace(b *testing.B) {
	for range b.N {
		here()
	}
}
