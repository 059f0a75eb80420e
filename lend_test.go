// SPDX-License-Identifier: MIT

package belay

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"belay.example/belay/internal/testc"
)

// borrowsToLend is how many borrows in a row make sure that an object is lent.
const borrowsToLend = 5 * 256

var lentType = NewType[*testc.Thing]("lent", DestroyC(testc.DropEnd), NetExact())

// isLent tells whether the object has a standing loan.
func isLent[P any](o Owned[P]) bool { return atomic.LoadUint64(&o.net.slot.state) == o.ref|stateLent }

// lend has the object lent to this goroutine.
func lend[P any](t testing.TB, o Owned[P]) bool {
	t.Helper()
	for range borrowsToLend {
		b, err := o.Borrow()
		if err != nil {
			t.Error(err)
		}
		b.Return()
	}
	if !isLent(o) {
		t.Error("not lent")
	}
	return isLent(o)
}

// needsLending skips a test where nothing is lent: with the race detector, under
// stress, and where the core can't fence other threads.
func needsLending(t testing.TB) {
	t.Helper()
	o, err := lentType.Own(testc.ThingNew(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for range 256 {
		_ = o.Do(func(*testc.Thing) error { return nil })
	}
	if slowReference != 0 || o.net.lender == neverOf(o.ref) {
		t.Skip("nothing is lent here")
	}
}

// lentThing is an object that is lent, and the counter of its ends.
func lentThing(t testing.TB, options ...OwnOption) (Owned[*testc.Thing], *uint64) {
	t.Helper()
	needsLending(t)
	counters := testc.Counters(1)
	t.Cleanup(func() { testc.FreeCounters(counters) })
	o, err := lentType.Own(testc.ThingNew(nil, &counters[0]), options...)
	if err != nil {
		t.Fatal(err)
	}
	lend(t, o)
	return o, &counters[0]
}

// Goal: a borrow of what is lent to nobody does not read the state before it writes
// it: shared by many, that is a third of its cost. Method: the words of a net.
func TestLentToNobody(t *testing.T) {
	const last = uint64(lenderNever-1) << generationShift
	for word, want := range map[uint16]bool{0: false, 1: true, lenderNever - 1: true, neverOf(0): false, neverOf(last): false} {
		if n := (net{lender: word}); n.hasLender() != want {
			t.Errorf("%d is somebody's record: %v", word, !want)
		}
	}
}

func onAnother(f func()) {
	done := make(chan bool)
	go func() { defer close(done); f() }()
	<-done
}

// mustClose closes and expects as many ends.
func mustClose(t *testing.T, o Owned[*testc.Thing], gone *uint64, ends uint64) {
	t.Helper()
	if err := o.Close(); err != nil || *gone != ends {
		t.Errorf("close: %v, %d ends, not %d", err, *gone, ends)
	}
}

func take(t *testing.T, o Owned[*testc.Thing]) loan {
	t.Helper()
	b, err := o.Borrow()
	if err != nil || b.used&stateCount != 0 || b.Ptr() == nil {
		t.Fatalf("%v, part of a standing loan: %v", err, b.used&stateCount == 0)
	}
	return b.loan
}

func borrowsOf(o Owned[*testc.Thing]) int {
	for _, object := range Live() {
		if object.ID == o.net.bits(o.ref) {
			return object.Borrows
		}
	}
	return -1
}

// Goal: loans of an object that is lent are counted, and a close between them is
// what it always was. Method: nested loans; close by this goroutine and by
// another one, idle and in use.
func TestLentIsClosed(t *testing.T) {
	for name, onSome := range map[string]func(func()){"here": func(f func()) { f() }, "by another": onAnother} {
		t.Run(name, func(t *testing.T) {
			o, gone := lentThing(t)
			if got := borrowsOf(o); got != 0 {
				t.Error("idle, but borrows:", got)
			}
			onSome(func() { mustClose(t, o, gone, 1) })

			o, gone = lentThing(t)
			a, b := take(t, o), take(t, o)
			if got := borrowsOf(o); got != 2 {
				t.Error("borrows, not 2:", got)
			}
			onSome(func() { mustClose(t, o, gone, 0) })
			if _, err := o.Borrow(); !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
			a.Return()
			if *gone != 0 {
				t.Error("destroyed in use")
			}
			b.Return()
			if *gone != 1 {
				t.Error("ends, not 1:", *gone)
			}
		})
	}
}

// Goal: the closer of a lent object hears what its destructor said. Method: one
// that fails.
func TestLentCloseHasTheResult(t *testing.T) {
	needsLending(t)
	kind := NewType[*testc.Thing]("lent failing", DestroyC(testc.DropFail))
	o, err := kind.Own(testc.ThingNew(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	lend(t, o)
	onAnother(func() { err = o.Close() })
	if !errors.Is(err, ErrDestroyFailed) {
		t.Error(err)
	}
}

// Goal: a loan may be returned elsewhere, once; what is out is not lost by it.
// Method: return on another goroutine, before and after a close; return a copy
// again, here and there, with and without another loan out.
func TestLentIsReturnedElsewhere(t *testing.T) {
	var reports atomic.Int64
	defer OnReport(func(r Report) {
		if r.Kind == ReportDoubleReturn && r.Type == "lent" {
			reports.Add(int64(r.Count))
		}
	})()
	o, gone := lentThing(t)
	a, b := take(t, o), take(t, o)
	again := a
	onAnother(a.Return)
	if got := borrowsOf(o); got != 1 {
		t.Error("borrows, not 1:", got)
	}
	b.Return()
	twice := again
	onAnother(again.Return)
	twice.Return()
	b.Return()
	if FlushReports(); reports.Load() != 3 {
		t.Error("reports, not 3:", reports.Load())
	}
	c := take(t, o)
	late := c
	mustClose(t, o, gone, 0)
	onAnother(c.Return)
	if *gone != 1 {
		t.Error("ends, not 1:", *gone)
	}
	twice = late
	onAnother(late.Return)
	twice.Return()
	if FlushReports(); reports.Load() != 5 || *gone != 1 {
		t.Error(reports.Load(), *gone)
	}
}

func TestLentIsDisowned(t *testing.T) {
	o, gone := lentThing(t)
	b := take(t, o)
	onAnother(func() {
		if _, err := o.Disown(); !errors.Is(err, ErrBusy) {
			t.Error(err)
		}
	})
	b.Return()
	p, err := o.Disown()
	if err != nil || *gone != 0 {
		t.Fatal(err, *gone)
	}
	testc.ThingEnd(p)

	o, gone = lentThing(t)
	onAnother(func() { p, err = o.Disown() })
	if err != nil || *gone != 0 {
		t.Fatal(err, *gone)
	}
	testc.ThingEnd(p)
}

// Goal: Do returns its loan however the function ends. Method: a panic and a
// Goexit, then a close that must destroy.
func TestLentDoReturns(t *testing.T) {
	o, gone := lentThing(t)
	func() {
		defer func() { _ = recover() }()
		_ = o.Do(func(*testc.Thing) error { panic("stop") })
	}()
	if got := borrowsOf(o); got != 0 {
		t.Error("borrows left:", got)
	}
	_ = o.Do(func(*testc.Thing) error { return o.Close() })
	if *gone != 1 {
		t.Error("ends, not 1:", *gone)
	}
}

// Goal: what a goroutine that ended was lent is nobody's trouble. Method: others
// use it, and close it.
func TestLentToOneThatEnded(t *testing.T) {
	needsLending(t)
	counters := testc.Counters(1)
	defer testc.FreeCounters(counters)
	o, err := lentType.Own(testc.ThingNew(nil, &counters[0]))
	if err != nil {
		t.Fatal(err)
	}
	onAnother(func() { lend(t, o) })
	for range 2 * borrowsToLend {
		if err := o.Do(func(*testc.Thing) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if state := atomic.LoadUint64(&o.net.slot.state); state != o.ref {
		t.Errorf("state %x, not idle", state)
	}
	mustClose(t, o, &counters[0], 1)
}

// Goal: a cascade takes lent children with it. Method: one idle, one in use.
func TestLentChildren(t *testing.T) {
	needsLending(t)
	parents := testc.Counters(1)
	defer testc.FreeCounters(parents)
	parent, err := lentType.Own(testc.ThingNew(nil, &parents[0]))
	if err != nil {
		t.Fatal(err)
	}
	_, idle := lentThing(t, ChildOf(parent))
	o, used := lentThing(t, ChildOf(parent))
	b := take(t, o)
	onAnother(func() { mustClose(t, parent, &parents[0], 0) })
	if *idle != 1 || *used != 0 {
		t.Error(*idle, *used)
	}
	b.Return()
	if *used != 1 || parents[0] != 1 {
		t.Error(*used, parents[0])
	}
}

// Goal: the collector finds a forgotten object that is lent. Method: forget one.
func TestLentIsForgotten(t *testing.T) {
	needsLending(t)
	defer OnReport(func(Report) {})()
	counters := testc.Counters(1)
	defer testc.FreeCounters(counters)
	func() {
		o, err := lentType.Own(testc.ThingNew(nil, &counters[0]))
		if err != nil {
			t.Fatal(err)
		}
		lend(t, o)
	}()
	for end := time.Now().Add(20 * time.Second); atomic.LoadUint64(&counters[0]) == 0; {
		runtime.GC()
		Drain(time.Second)
		if time.Now().After(end) {
			t.Fatal("not found")
		}
	}
}

// Goal: a lender and whoever takes the object back never both have it, and one of
// them does. The fence that the lender leaves out is there, and so is the second
// look. Method: one goroutine borrows all the time, each time behind stores that miss
// the caches, so that its count becomes visible late; another one disowns, or closes
// what is in use. A loan that sees its object end is a failure, as is an object that
// the last return leaves. Long loans are to see the end, short ones to be returned
// just when it comes.
func TestLentAndDisownTogether(t *testing.T) {
	needsLending(t)
	far := make([]uint64, 1<<23)
	for i := 0; i < len(far); i += 512 {
		far[i] = 1 // its page is there
	}
	for name, looks := range map[string]int{"long loans": 5000, "short loans": 0} {
		t.Run(name, func(t *testing.T) {
			d := lentAndDisowned{far: far, looks: looks}
			kind := NewType[*testc.Thing]("lent, "+name, Destroy(func(*testc.Thing) error {
				d.ended.Store(true)
				return nil
			}))
			duration := 2 * time.Second
			if testing.Short() {
				duration = time.Second / 4
			}
			rounds := 0
			for end := time.Now().Add(duration); time.Now().Before(end) && !t.Failed(); rounds++ {
				d.round(t, kind)
			}
			t.Log(rounds, "rounds")
		})
	}
}

// lentAndDisowned is what a round of TestLentAndDisownTogether needs.
type lentAndDisowned struct {
	far         []uint64 // more than the caches hold
	at          uint32
	looks       int // at the object, in a loan
	lent, ended atomic.Bool
	bad         int
}

// lender borrows until the object is closed.
func (d *lentAndDisowned) lender(t *testing.T, o Owned[*testc.Thing]) {
	lend(t, o)
	d.lent.Store(true)
	for at := d.at; o.IsOpen(); d.at = at {
		for range 16 {
			at = at*1664525 + 1013904223
			d.far[at>>9] = uint64(at)
		}
		b, err := o.Borrow()
		if err != nil {
			return
		}
		for i := 0; i < d.looks; i++ {
			if d.ended.Load() {
				d.bad++
				break
			}
		}
		b.Return()
	}
}

func (d *lentAndDisowned) round(t *testing.T, kind Type[*testc.Thing]) {
	thing := testc.ThingNew(nil, nil)
	defer testc.ThingEnd(thing)
	o, err := kind.Own(thing)
	if err != nil {
		t.Fatal(err)
	}
	d.ended.Store(false)
	d.lent.Store(false)
	done := make(chan bool)
	go func() { defer close(done); d.lender(t, o) }()
	for !d.lent.Load() {
		runtime.Gosched()
	}
	for range rand.IntN(1000) {
		d.lent.Load()
	}
	if _, err := o.Disown(); err == nil {
		d.ended.Store(true)
	} else if err := o.Close(); err != nil {
		t.Error(err)
	}
	<-done
	if d.bad != 0 {
		t.Error("a loan outlived its object")
	}
	if !d.ended.Load() {
		t.Error("the last return left the object")
	}
}
