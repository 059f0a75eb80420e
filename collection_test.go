// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"belay.example/belay/internal/testc"
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

// alone runs the test in a process of its own, where it is not the parent, with these
// variables set besides.
func alone(t *testing.T, environment ...string) (isParent bool, out string, err error) {
	if os.Getenv("BELAY_TEST_ALONE") == t.Name() {
		return false, "", nil
	}
	command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = append(append(os.Environ(), "BELAY_TEST_ALONE="+t.Name()), environment...)
	text, err := command.CombinedOutput()
	if errors.Is(err, syscall.ENOEXEC) {
		t.Skip("emulated: the test can't start itself")
	}
	return true, string(text), err
}

// Goal: a collection that the pool does not tell of ends the program. Method: in a process
// of its own, fill the pool as soon as it is empty, which is as if it was never emptied.
func TestUnnoticedCollectionIsFatal(t *testing.T) {
	if isParent, out, err := alone(t); isParent {
		if err == nil || !strings.Contains(out, "did not tell") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	for isOld := true; isOld; isOld = hasBegun() {
		await()
	}
	go func() {
		for {
			if hasBegun() {
				collections.Put(poolToken)
			}
		}
	}()
	for range 1000 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

// Goal: who pins a stripe has it alone, on the first processors and on those that
// share. Method: each counts itself in; on a shared stripe it waits for another.
func TestPinnedStripesAreAlone(t *testing.T) {
	const processors, rounds = ownStripes + 2*sharedStripes, 5
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
	// A goroutine that waits pinned would wait for ever for one that a collection stops.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	var inside, visits [stripeCount]atomic.Int32
	var pinned, met atomic.Int32
	var all sync.WaitGroup
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
				visits[s.index].Add(1)
				if inside[s.index].Add(1) > 1 {
					met.Add(1)
				}
				until := time.Now().Add(10 * time.Millisecond)
				for s.index >= ownStripes && met.Load() == 0 && time.Now().Before(until) {
				}
				inside[s.index].Add(-1)
				s.unpin()
			}
		}()
	}
	all.Wait()
	shared := int32(0)
	for i := ownStripes; i < stripeCount; i++ {
		shared += visits[i].Load()
	}
	if met.Load() > 0 {
		t.Error("two had one stripe")
	}
	if shared == 0 && pinned.Load() == processors {
		t.Error("nobody was on a processor that shares")
	}
	t.Logf("%d visits of stripes that are shared", shared)
}

// Goal: a chunk that is turned to while a collection runs, and whose last handles are gone before
// the collector saw them, is not used again when it is dead. Method: thousands of stacks,
// so that the collector comes late to the last one, which forgets half of each chunk and
// closes the rest as soon as the collection has begun, and goes on when it is over.
func TestTurnedToUnderCollection(t *testing.T) {
	if raceEnabled {
		t.Skip("takes its objects from all stripes")
	}
	// The runtime keeps the descriptors of all these goroutines, and later ones get any of
	// them: more than there are records for who is lent something (lend.go).
	if isParent, out, err := alone(t); isParent {
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	kind := NewType[*testc.Small]("half forgotten", FixedSize(64), NetShared())
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	const rounds, parked = 200, 20000
	park, done, collect := make(chan bool), make(chan bool), make(chan bool)
	var started, ended sync.WaitGroup
	for range parked {
		started.Add(1)
		ended.Add(1)
		go func() {
			defer ended.Done()
			started.Done()
			<-park
		}()
	}
	started.Wait()
	var collected atomic.Int32
	go func() {
		defer close(done)
		for i := range int32(rounds) {
			halfForgotten(t, kind, p, collect)
			for collected.Load() == i {
				time.Sleep(time.Millisecond)
			}
			var next []Owned[*testc.Small]
			for range 4 * groupSlots {
				next = append(next, own(t, kind, p))
			}
			for _, o := range next {
				if err := o.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for range rounds {
		<-collect
		runtime.GC()
		collected.Add(1)
	}
	<-done
	close(park)
	ended.Wait()
	for range 1000 {
		runtime.GC()
		if time.Sleep(time.Millisecond); kind.Stats().Live == 0 {
			break
		}
	}
	half := uint64(rounds) * 2 * groupSlots
	if stats := kind.Stats(); stats.Rescued != half || stats.Opened != stats.Closed+stats.Disowned+half {
		t.Errorf("%d forgotten: %+v", half, stats)
	}
}

// halfForgotten opens objects, waits until a collection has begun, and gives back those of
// some chunks by way of the core; of the others, it forgets one half and closes the other.
//
//go:noinline
func halfForgotten(t *testing.T, kind Type[*testc.Small], p *testc.Small, collect chan<- bool) {
	var whole, half [4 * groupSlots]Owned[*testc.Small]
	for i := range whole {
		whole[i] = own(t, kind, p)
	}
	for i := range half {
		half[i] = own(t, kind, p)
	}
	collect <- true
	for !hasBegun() {
	}
	for i := range whole {
		if _, err := whole[i].Disown(); err != nil {
			t.Error(err)
		}
		whole[i] = Owned[*testc.Small]{}
	}
	for i := range half {
		if i%2 != 0 {
			half[i] = Owned[*testc.Small]{}
		}
	}
	for i := range half {
		if err := half[i].Close(); err != nil {
			t.Error(err)
		}
		half[i] = Owned[*testc.Small]{}
	}
}
