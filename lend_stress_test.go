// SPDX-License-Identifier: MIT

package belay

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"belay.example/belay/internal/testc"
)

// lentStress is the state of a run of TestLentStress.
type lentStress struct {
	kind                   Type[*testc.Thing]
	objects                [48]atomic.Pointer[Owned[*testc.Thing]]
	opened, disowned, lent atomic.Uint64
	mutex                  sync.Mutex
	counters               [][]uint64 // one a thing
}

// renew puts a new object into a place, and forgets the one that was there.
func (s *lentStress) renew(place int) error {
	gone := testc.Counters(1)
	s.mutex.Lock()
	s.counters = append(s.counters, gone)
	s.mutex.Unlock()
	o, err := s.kind.Own(testc.ThingNew(nil, &gone[0]))
	s.opened.Add(1)
	s.objects[place].Store(&o)
	return err
}

func peek(p *testc.Thing) error {
	testc.ThingPeek(p)
	return nil
}

// borrowOften borrows one object in a row, for long enough to be lent it or not.
func (s *lentStress) borrowOften(o Owned[*testc.Thing], times int) {
	for range times {
		b, err := o.Borrow()
		if err != nil {
			return
		}
		if b.used&stateCount == 0 {
			s.lent.Add(1)
		}
		b.Return()
	}
	_ = o.Do(peek)
}

// step does one thing to one object.
func (s *lentStress) step(random *rand.Rand) error {
	place := random.IntN(len(s.objects))
	o := *s.objects[place].Load()
	switch random.IntN(12) {
	case 0:
		_ = o.Close()
	case 1:
		if p, err := o.Disown(); err == nil {
			s.disowned.Add(1)
			testc.ThingEnd(p)
		}
	case 2:
		return s.renew(place)
	case 3:
		if b, err := o.Borrow(); err == nil {
			onAnother(func() { _ = peek(b.Ptr()); b.Return() })
		}
	case 4:
		if b, err := o.Borrow(); err == nil {
			_ = o.Close()
			_ = peek(b.Ptr())
			b.Return()
		}
	case 5:
		if random.IntN(64) == 0 {
			runtime.GC()
		}
	case 6, 7, 8:
		s.borrowOften(o, random.IntN(4*borrowsToLend))
	default:
		_ = o.Do(peek)
	}
	return nil
}

// Goal: whatever goroutines do to objects that are lent to some of them, each is
// destroyed once, and not while it is used. Method: 64 goroutines borrow one object
// for long enough to be lent it, in turn with objects of others, and close, disown,
// pass on and forget; the ends are counted in C memory, and a sanitizer sees a use
// of what was freed.
func TestLentStress(t *testing.T) {
	defer OnReport(func(Report) {})()
	s := &lentStress{kind: NewType[*testc.Thing]("lent stress", DestroyC(testc.DropEnd), NetExact())}
	duration, twice := 2*time.Second, testc.Twice()
	if testing.Short() {
		duration = time.Second / 4
	}
	for i := range s.objects {
		if err := s.renew(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := testc.Crowd(duration, s.step); err != nil {
		t.Error(err)
	}
	for i := range s.objects {
		s.objects[i].Store(nil)
	}
	for end := time.Now().Add(20 * time.Second); s.kind.Stats().Live != 0; {
		runtime.GC()
		Drain(time.Second)
		if time.Now().After(end) {
			t.Fatal("objects left: ", s.kind.Stats().Live)
		}
	}
	ends := uint64(0)
	for _, gone := range s.counters {
		ends += gone[0]
		testc.FreeCounters(gone)
	}
	if ends != s.opened.Load() || testc.Twice() != twice {
		t.Errorf("%d opened, %d ends, %d twice", s.opened.Load(), ends, testc.Twice()-twice)
	}
	t.Logf("%d objects, %d given back, %d loans of standing ones", s.opened.Load(), s.disowned.Load(), s.lent.Load())
}
