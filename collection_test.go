// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Goal: a collection that begins is noticed, and one that does not is not. A new
// version of Go that does it otherwise fails here.
func TestCollectionIsNoticed(t *testing.T) {
	if !canTell {
		t.Fatal("sync.Pool is not as it was up to Go 1.26: types can't share nets")
	}
	for range 3 {
		for isOld := true; isOld; isOld = hasBegun() { // another test's may come between
			await()
		}
		runtime.GC()
		if !hasBegun() {
			t.Fatal("a collection did not empty the pool")
		}
	}
}

// Goal: who pins a stripe has it alone, on the first processors and on those that
// share. Method: counts that only hold if no two have it at once.
func TestPinnedStripesAreAlone(t *testing.T) {
	const processors, rounds = ownStripes + 2*sharedStripes, 20000
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
	// A goroutine that waits pinned would wait for ever for one that a collection stops.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	var plain [stripeCount]int
	var all sync.WaitGroup
	var pinned atomic.Int32
	end := time.Now().Add(5 * time.Second)
	for range processors {
		all.Add(1)
		go func() {
			defer all.Done()
			procPin() // each on a processor of its own
			for pinned.Add(1); pinned.Load() < processors && time.Now().Before(end); {
			}
			procUnpin()
			for range rounds {
				s := pin()
				plain[s.index]++
				s.unpin()
			}
		}()
	}
	all.Wait()
	sum, shared := 0, 0
	for i, count := range plain {
		sum += count
		if i >= ownStripes {
			shared += count
		}
	}
	if sum != processors*rounds {
		t.Errorf("%d of %d counted", sum, processors*rounds)
	}
	if shared == 0 && pinned.Load() == processors {
		t.Error("nobody was on a processor that shares")
	}
}
