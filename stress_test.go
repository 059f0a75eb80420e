// SPDX-License-Identifier: MIT

package belay_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// scaled is how often to do something: less often when each time is slow.
func scaled(count int) int {
	if os.Getenv("BELAY_STRESS") != "" {
		return max(count/50, 3)
	}
	return count
}

const (
	stressParents  = 250
	stressChildren = 3 // of each parent
)

// family is one parent and its children, as they are at the moment. When it
// was ended it is made again.
type family struct {
	members [1 + stressChildren]atomic.Pointer[belay.Owned[*testc.Thing]]
}

// stress is the state of one run, for one guard.
type stress struct {
	kinds    [4]belay.Type[*testc.Thing] // destructors in C and in Go, for parents and for children
	families [stressParents]family
	mutex    sync.Mutex
	counters [][]uint64
	opened   atomic.Uint64
	guarded  bool
}

// counter is C memory that one object counts its end in.
func (s *stress) counter() *uint64 {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if n := len(s.counters); n == 0 || len(s.counters[n-1]) == cap(s.counters[n-1]) {
		s.counters = append(s.counters, testc.Counters(4096)[:0])
	}
	last := &s.counters[len(s.counters)-1]
	*last = (*last)[:len(*last)+1]
	return &(*last)[len(*last)-1]
}

func (s *stress) open(kind belay.Type[*testc.Thing], domain *testc.Thing, options ...belay.OwnOption) (belay.Owned[*testc.Thing], error) {
	p := testc.ThingNew(domain, s.counter())
	o, err := kind.Own(p, options...)
	if err != nil {
		testc.ThingEnd(p) // counts an end: the object was never owned
	}
	s.opened.Add(1)
	return o, err
}

// renew makes a family, and forgets the one that was there.
func (s *stress) renew(f *family, which int) error {
	parent, err := s.open(s.kinds[which%2], nil)
	if err != nil {
		return err
	}
	f.members[0].Store(&parent)
	for i := 1; i < len(f.members); i++ {
		var child belay.Owned[*testc.Thing]
		err := parent.Do(func(p *testc.Thing) (err error) {
			child, err = s.open(s.kinds[2+(which+i)%2], p, belay.ChildOf(parent))
			return err
		})
		if errors.Is(err, belay.ErrClosed) {
			return nil // another goroutine closed it already
		}
		if err != nil {
			return err
		}
		f.members[i].Store(&child)
	}
	return nil
}

// step does one thing to one object.
func (s *stress) step(random *rand.Rand) error {
	f := &s.families[random.IntN(stressParents)]
	member := random.IntN(len(f.members))
	handle := f.members[member].Load()
	if handle == nil {
		return nil
	}
	o := *handle // a copy names the same object
	use := func(p *testc.Thing) error {
		if s.guarded {
			testc.ThingCall(p, 5)
		} else {
			testc.ThingPeek(p)
		}
		return nil
	}
	var err error
	switch random.IntN(16) {
	case 0:
		err = o.Close()
	case 1, 2:
		_ = s.families[random.IntN(stressParents)].members[member].Swap(handle) // forgets one, shares another
	case 3:
		b, errBorrow := o.Borrow()
		if errBorrow == nil {
			err = o.Close()
			use(b.Ptr())
			b.Return()
		}
	case 4, 5:
		err = s.renew(f, random.IntN(4))
	case 6:
		if random.IntN(50) == 0 {
			runtime.GC()
		}
	default:
		err = o.Do(use)
	}
	if errors.Is(err, belay.ErrClosed) {
		return nil
	}
	return err
}

// Goal: whatever many goroutines do to the same objects, each is destroyed once,
// none while it is used, and no two calls meet where the guard forbids it.
// Method: 64 goroutines close, borrow, copy, share and forget the handles of
// families of objects, for every guard; each object counts its own ends in C
// memory; the library looks for overlaps; freed memory is free()d, so that a
// sanitizer sees a use of it. BELAY_STRESS_SECONDS is how long.
func TestStress(t *testing.T) {
	seconds := 3.0
	if text := os.Getenv("BELAY_STRESS_SECONDS"); text != "" {
		var err error
		if seconds, err = strconv.ParseFloat(text, 64); err != nil {
			t.Fatal(err)
		}
	}
	for name, guard := range map[string][]belay.Option{
		"shared":    nil,
		"exclusive": {belay.GuardExclusive()},
		"domain":    {belay.GuardDomain()},
	} {
		t.Run(name, func(t *testing.T) {
			stressOne(t, name, guard, time.Duration(seconds/3*float64(time.Second)))
		})
	}
}

func stressOne(t *testing.T, name string, guard []belay.Option, duration time.Duration) {
	defer belay.OnReport(func(belay.Report) {})() // thousands, and all as they should be
	overlaps, twice := testc.Overlaps(), testc.Twice()
	inside := testc.DropEnd
	end := endThing
	if name == "domain" {
		inside = testc.DropEndInside
		end = func(p *testc.Thing) error { testc.ThingEndInside(p); return nil }
	}
	s := &stress{guarded: name == "domain"}
	for i, word := range []string{"parent in C ", "parent in Go ", "child in C ", "child in Go "} {
		destructor := belay.DestroyC(inside)
		if i%2 == 1 {
			destructor = belay.Destroy(end)
		}
		s.kinds[i] = belay.NewType[*testc.Thing]("stress "+word+name, append([]belay.Option{destructor}, guard...)...)
	}
	for i := range s.families {
		if err := s.renew(&s.families[i], i); err != nil {
			t.Fatal(err)
		}
	}
	if err := testc.Crowd(duration, s.step); err != nil {
		t.Error(err)
	}
	for i := range s.families {
		for j := range s.families[i].members {
			s.families[i].members[j].Store(nil)
		}
	}
	t.Cleanup(func() {
		for i, object := range belay.Live() {
			if t.Failed() && i < 20 {
				t.Logf("left: %+v", object)
			}
		}
	})
	collectUntil(t, "objects left", func() bool {
		live := uint64(0)
		for _, kind := range s.kinds {
			live += kind.Stats().Live
		}
		return live == 0
	})
	ends := uint64(0)
	for _, block := range s.counters {
		for i := range block {
			if block[i] != 1 {
				t.Errorf("an object ended %d times", block[i])
			}
			ends += block[i]
		}
		testc.FreeCounters(block)
	}
	if met := testc.Overlaps() - overlaps; met != 0 || testc.Twice() != twice {
		t.Errorf("%d calls met, %d ends were repeated", met, testc.Twice()-twice)
	}
	t.Logf("%d objects opened, %d ends", s.opened.Load(), ends)
}
