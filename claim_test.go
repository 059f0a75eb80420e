// SPDX-License-Identifier: MIT

package belay_test

import (
	"runtime"
	"sync/atomic"
	"testing"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// together calls f(false) on this goroutine and f(true) on another one, at the
// same moment as nearly as two goroutines can, rounds times; begin and end run
// here around each round, alone.
func together(rounds int, begin func(), f func(isOther bool), end func(round int)) {
	var turn, done, delay atomic.Int64
	go func() {
		for n := int64(1); n <= int64(rounds); n++ {
			for i := 0; turn.Load() < n; i++ {
				if i > 10000 { // else a spin, which starts sooner
					runtime.Gosched()
				}
			}
			f(true)
			done.Store(n)
		}
	}()
	for n := int64(1); n <= int64(rounds); n++ {
		begin()
		turn.Store(n)
		for i := int64(0); i < n%128; i++ { // the other needs a moment to see it
			delay.Add(1)
		}
		f(false)
		for done.Load() < n {
			runtime.Gosched()
		}
		end(int(n))
	}
}

// Goal: of two closes at one moment, one destroys. Method: close from two
// goroutines, many times, counting destructor calls.
func TestCloseTogether(t *testing.T) {
	var ends atomic.Int64
	kind := belay.NewType[*testc.Thing]("closed together", belay.Destroy(func(*testc.Thing) error {
		ends.Add(1)
		return nil
	}))
	thing := testc.ThingNew(nil, nil)
	defer testc.ThingEnd(thing)
	var o belay.Owned[*testc.Thing]
	together(scaled(60000), func() {
		var err error
		if o, err = kind.Own(thing); err != nil {
			t.Fatal(err)
		}
	}, func(bool) {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}, func(round int) {
		if got := ends.Load(); got != int64(round) {
			t.Fatalf("round %d: %d destructor calls", round, got)
		}
	})
}

// Goal: the same where Go ends the object without a destructor to call: it ends once.
// Method: as above, counting ends; two frees of one block abort the process.
func TestEndTogether(t *testing.T) {
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	for name, open := range map[string]func(belay.Type[*testc.Small]) (belay.Owned[*testc.Small], error){
		"nothing to destroy": func(kind belay.Type[*testc.Small]) (belay.Owned[*testc.Small], error) { return kind.Own(p) },
		"freed": func(kind belay.Type[*testc.Small]) (belay.Owned[*testc.Small], error) {
			return kind.Own(testc.MallocSmall())
		},
	} {
		options := []belay.Option{belay.FixedSize(64)}
		if name == "freed" {
			options = append(options, belay.Free())
		}
		kind, rounds := belay.NewType[*testc.Small](name, options...), scaled(60000)
		var o belay.Owned[*testc.Small]
		together(rounds, func() {
			var err error
			if o, err = open(kind); err != nil {
				t.Fatal(err)
			}
		}, func(bool) {
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		}, func(int) {})
		if stats := kind.Stats(); stats.Closed != uint64(rounds) || stats.Live != 0 {
			t.Errorf("%s: %d objects, %+v", name, rounds, stats)
		}
	}
}

// Goal: a borrow and a close at one moment never leave a lent object destroyed.
// Method: borrow on one goroutine, close on the other, many times; the
// destructor looks whether the object is lent.
func TestBorrowAndCloseTogether(t *testing.T) {
	var lent, bad, ends atomic.Int64
	kind := belay.NewType[*testc.Thing]("lent and closed", belay.Destroy(func(*testc.Thing) error {
		bad.Add(lent.Load())
		ends.Add(1)
		return nil
	}))
	thing := testc.ThingNew(nil, nil)
	defer testc.ThingEnd(thing)
	var o belay.Owned[*testc.Thing]
	together(scaled(60000), func() {
		var err error
		if o, err = kind.Own(thing); err != nil {
			t.Fatal(err)
		}
	}, func(isOther bool) {
		if !isOther {
			_ = o.Close()
			return
		}
		before := ends.Load()
		if b, err := o.Borrow(); err == nil {
			lent.Store(1)
			if ends.Load() != before {
				bad.Add(1)
			}
			lent.Store(0)
			b.Return()
		}
	}, func(round int) {
		if ends.Load() != int64(round) || bad.Load() != 0 {
			t.Fatalf("round %d: %d destructor calls, %d of a lent object", round, ends.Load(), bad.Load())
		}
	})
}
