// SPDX-License-Identifier: MIT

package belay_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// collectUntil collects until done, for a few seconds at most.
func collectUntil(t testing.TB, what string, done func() bool) {
	t.Helper()
	for range 100 {
		runtime.GC()
		belay.Drain(time.Second)
		if done() {
			belay.Drain(10 * time.Second) // what is counted may not be told yet
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("after 100 collections: %s", what)
}

//go:noinline
func forget(t testing.TB, kind belay.Type[*testc.Thing], count int) {
	for range count {
		if _, err := kind.Own(testc.ThingNew(nil, nil)); err != nil {
			t.Fatal(err)
		}
	}
}

// Goal: forgotten objects are destroyed, counted and reported with the line
// that opened them. Method: forget some for every kind of destructor, keep one.
func TestForgottenObjectsAreRescued(t *testing.T) {
	for _, kind := range []belay.Type[*testc.Thing]{
		belay.NewType[*testc.Thing]("forgotten in Go", belay.Destroy(endThing)),
		belay.NewType[*testc.Thing]("forgotten in C", belay.DestroyC(testc.DropEnd)),
		belay.NewType[*testc.Thing]("forgotten in a domain", belay.DestroyC(testc.DropEnd), belay.GuardDomain()),
	} {
		t.Run(kind.Name(), func(t *testing.T) {
			reports := reportsOf(t, kind.Name())
			kept, gone := own(t, kind)
			forget(t, kind, 200)
			collectUntil(t, "not all rescued", func() bool { return kind.Stats().Rescued == 200 })
			if stats := kind.Stats(); stats.Live != 1 || *gone != 0 {
				t.Errorf("%+v", stats)
			}
			count := uint64(0)
			for _, r := range reports(belay.ReportRescue) {
				count += r.Count
				if !strings.Contains(r.Opened.Line, "net_test.go:") || !strings.Contains(r.Opened.Line, "forget") {
					t.Error(r.Opened.Line)
				}
			}
			if count != 200 {
				t.Errorf("%d reported", count)
			}
			if err := kept.Close(); err != nil || *gone != 1 {
				t.Error(err, *gone)
			}
		})
	}
}

//go:noinline
func forgetSmall(t testing.TB, kind belay.Type[*testc.Small], count int) {
	for range count {
		if _, err := kind.Own(testc.MallocSmall()); err != nil {
			t.Fatal(err)
		}
	}
}

// Goal: shared nets find forgotten objects, also in the chunk that a stripe is
// filling, and closed slots are used again. Method: forget with closes between.
func TestSharedNets(t *testing.T) {
	kind := belay.NewType[*testc.Small]("forgotten small", belay.Free(), belay.FixedSize(64))
	forgetSmall(t, kind, 1000)
	for range 1000 {
		o, err := kind.Own(testc.MallocSmall())
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	forgetSmall(t, kind, 7)
	collectUntil(t, "not all rescued", func() bool { return kind.Stats().Live == 0 })
	if stats := kind.Stats(); stats.Rescued != 1007 || stats.Opened != 2007 || stats.LiveBytes != 0 {
		t.Errorf("%+v", stats)
	}
}

// Goal: the first collection finds what was forgotten in the chunk that a stripe is
// filling. Method: forget a few, collect once.
func TestFirstCollectionFindsAll(t *testing.T) {
	kind := belay.NewType[*testc.Small]("forgotten at once", belay.Free(), belay.FixedSize(64))
	for round := range uint64(20) {
		forgetSmall(t, kind, 3)
		runtime.GC()
		// The runtime runs cleanups when it has time to.
		for range 1000 {
			if kind.Stats().Live == 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if stats := kind.Stats(); stats.Live != 0 {
			t.Fatalf("round %d: %d not found", round, stats.Live)
		}
	}
}

// Goal: an object in use is not destroyed by the net, whatever happens to its
// handles. Method: hold only a borrow over collections.
func TestBorrowOutlivesHandles(t *testing.T) {
	kind := belay.NewType[*testc.Thing]("borrowed alone", belay.Destroy(endThing))
	counters := testc.Counters(1)
	defer testc.FreeCounters(counters)
	borrow := func() (belay.Loan[*testc.Thing], error) {
		o, err := kind.Own(testc.ThingNew(nil, &counters[0]))
		if err != nil {
			t.Fatal(err)
		}
		return o.Borrow()
	}
	loan, err := borrow()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		runtime.GC()
		belay.Drain(time.Second)
		testc.ThingCall(loan.Ptr(), 1)
	}
	if counters[0] != 0 {
		t.Fatal("destroyed while borrowed")
	}
	loan.Return()
	collectUntil(t, "not rescued", func() bool { return kind.Stats().Rescued == 1 })
}

// Goal: a child keeps its parent. Method: forget the parent, use the child over
// collections, forget the child.
func TestChildKeepsParent(t *testing.T) {
	parentType := belay.NewType[*testc.Thing]("kept parent", belay.Destroy(endThing))
	childType := belay.NewType[*testc.Thing]("keeping child", belay.Destroy(endThing))
	open := func() belay.Owned[*testc.Thing] {
		parent, _ := parentType.Own(testc.ThingNew(nil, nil))
		child, err := childType.Own(testc.ThingNew(nil, nil), belay.ChildOf(parent))
		if err != nil {
			t.Fatal(err)
		}
		return child
	}
	child := open()
	for range 5 {
		runtime.GC()
		belay.Drain(time.Second)
		if err := child.Do(func(p *testc.Thing) error { testc.ThingCall(p, 1); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if parentType.Stats().Rescued != 0 {
		t.Error("the parent went before its child")
	}
	collectUntil(t, "not both rescued", func() bool {
		return childType.Stats().Rescued == 1 && parentType.Stats().Rescued == 1
	})
}

func TestNetReportOnly(t *testing.T) {
	kind := belay.NewType[*testc.Thing]("only reported", belay.Destroy(endThing), belay.NetReportOnly())
	reports := reportsOf(t, "only reported")
	forget(t, kind, 3)
	collectUntil(t, "not reported", func() bool {
		count := uint64(0)
		for _, r := range reports(belay.ReportForgotten) {
			count += r.Count
		}
		return count == 3
	})
	if stats := kind.Stats(); stats.Rescued != 0 || stats.Live != 3 {
		t.Errorf("%+v", stats)
	}
}

// Goal: slots are used again: the table does not grow with what was opened.
// Method: many rounds of one object a type of net, and of bursts that spill.
func TestSlotsAreReused(t *testing.T) {
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	exact := belay.NewType[*testc.Small]("exact", belay.NetExact())
	shared := belay.NewType[*testc.Small]("shared", belay.NetShared())
	highest := uint64(0)
	for round := range 20 {
		var all []belay.Owned[*testc.Small]
		for _, kind := range []belay.Type[*testc.Small]{exact, shared} {
			for range 500 {
				o, err := kind.Own(p)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, o)
			}
		}
		for _, object := range belay.Live() {
			if round == 4 {
				highest = max(highest, object.ID%(1<<24))
			} else if round > 4 && object.ID%(1<<24) > highest+4096 {
				t.Fatalf("round %d: index %d, long above %d", round, object.ID%(1<<24), highest)
			}
		}
		for _, o := range all {
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Goal: closing, forgetting and collecting at once neither loses nor repeats an
// end. Method: goroutines churn small objects while another collects.
func TestNetsUnderCollection(t *testing.T) {
	kind := belay.NewType[*testc.Small]("churned", belay.Free(), belay.FixedSize(64))
	stop := make(chan bool)
	var work, collector sync.WaitGroup
	collector.Add(1)
	go func() {
		defer collector.Done()
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	for range 4 {
		work.Add(1)
		go func() {
			defer work.Done()
			for i := range scaled(20000) {
				o, err := kind.Own(testc.MallocSmall())
				if err != nil {
					t.Error(err)
					return
				}
				if i%10 != 0 {
					borrowDefer(o)
					if err := o.Close(); err != nil {
						t.Error(err)
					}
				}
			}
		}()
	}
	work.Wait()
	close(stop)
	collector.Wait()
	collectUntil(t, "not all rescued", func() bool { return kind.Stats().Live == 0 })
	if stats := kind.Stats(); stats.Rescued != stats.Opened/10 || stats.Closed != stats.Opened-stats.Rescued {
		t.Errorf("%+v", stats)
	}
}
