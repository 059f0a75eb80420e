// SPDX-License-Identifier: MIT

package belay

import (
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"belay.example/belay/internal/testc"
)

func own(t *testing.T, kind Type[*testc.Small], p *testc.Small) Owned[*testc.Small] {
	o, err := kind.Own(p)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Goal: a chunk of which half is free is used again before a new one is, and none that a
// collection may have found dead. Method: on one processor, close every other object of
// a few chunks and see where the next ones go; then forget all of them and collect.
func TestHalfFreeChunks(t *testing.T) {
	if raceEnabled {
		t.Skip("takes its objects from all stripes")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	kind := NewType[*testc.Small]("every other", FixedSize(64), NetShared())
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	var all []Owned[*testc.Small]
	for range 8 * groupSlots {
		all = append(all, own(t, kind, p))
	}
	groups := map[*group]bool{}
	for i, o := range all {
		groups[o.net.group] = true
		if i%2 == 0 {
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := pin()
	noted := s.halfCount
	s.unpin()
	if noted < 4 {
		t.Errorf("%d of 8 half free chunks noted", noted)
	}
	for range 3 * groupSlots {
		o := own(t, kind, p)
		all = append(all, o)
		if !groups[o.net.group] {
			t.Fatal("a new chunk, while half of eight is free")
		}
	}
	for _, o := range all[:8*groupSlots] {
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.KeepAlive(all)
	all = nil
	runtime.GC()
	_ = own(t, kind, p).Close()
	s = pin()
	noted = s.halfCount
	s.unpin()
	if noted != 0 {
		t.Errorf("%d chunks noted before the collection are still so", noted)
	}
}

// Goal: what is forgotten in a chunk that others come and go in is found all the same.
// Method: forget a few among two hundred, replace those in random order, collect.
func TestForgottenAmongTheLiving(t *testing.T) {
	kind := NewType[*testc.Small]("among the living", FixedSize(64), NetShared())
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const forgotten = 10
	live := make([]Owned[*testc.Small], 200)
	for i := range live {
		live[i] = own(t, kind, p)
		if i%20 == 0 {
			own(t, kind, p)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		at := random.IntN(len(live))
		if err := live[at].Close(); err != nil {
			t.Fatal(err)
		}
		live[at] = own(t, kind, p)
	}
	for range 100 {
		runtime.GC()
		if time.Sleep(time.Millisecond); kind.Stats().Rescued == forgotten {
			break
		}
	}
	if stats := kind.Stats(); stats.Rescued != forgotten {
		t.Errorf("%d of %d forgotten ones found", stats.Rescued, forgotten)
	}
	for _, o := range live {
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Goal: a chunk that is noted while a collection runs, and whose last handles are gone before
// the collector saw them, is not used again when it is dead. Method: thousands of stacks,
// so that the collector comes late to the last one, which forgets half of each chunk and
// closes the rest as soon as the collection has begun, and goes on when it is over.
func TestHalfFreeUnderCollection(t *testing.T) {
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
	if stats := kind.Stats(); stats.Rescued != half || stats.Opened != stats.Closed+half {
		t.Errorf("%d forgotten: %+v", half, stats)
	}
}

// halfForgotten opens objects, waits until a collection has begun, and forgets the one
// half of them and closes the other.
//
//go:noinline
func halfForgotten(t *testing.T, kind Type[*testc.Small], p *testc.Small, collect chan<- bool) {
	var all [4 * groupSlots]Owned[*testc.Small]
	for i := range all {
		all[i] = own(t, kind, p)
	}
	collect <- true
	for !hasBegun() {
	}
	for i := range all {
		if i%2 != 0 {
			all[i] = Owned[*testc.Small]{}
		}
	}
	for i := range all {
		if err := all[i].Close(); err != nil {
			t.Error(err)
		}
		all[i] = Owned[*testc.Small]{}
	}
}

// Goal: a chunk that became whole may be used again half free, whoever gave the last slot
// back. Method: have the core end all of its objects.
func TestWholeIsNotReused(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	kind := NewType[*testc.Small]("whole again", FixedSize(64), NetShared())
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	runtime.GC() // or the first ones would be half another test's
	of := map[*group][]Owned[*testc.Small]{}
	for len(of) < 4 {
		o := own(t, kind, p)
		of[o.net.group] = append(of[o.net.group], o)
	}
	whole := 0
	for g, all := range of {
		atomic.StoreUint32(&g.reused, reusedMax)
		for _, o := range all {
			if _, err := o.Disown(); err != nil {
				t.Fatal(err)
			}
		}
		if len(all) == groupSlots && atomic.LoadUint32(&g.reused) == 0 {
			whole++
		}
	}
	if whole == 0 {
		t.Error("no chunk is as if it had not been used half free")
	}
}
