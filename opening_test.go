// SPDX-License-Identifier: MIT

package belay

import (
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"belay.example/belay/internal/testc"
)

// Goal: a slot whose generations are used up is retired by Close, whatever way its last
// object was opened; else old handles would match again. Method: put the slot of a closed
// object at its last generation, open and close one more there.
func TestLastGenerationIsRetired(t *testing.T) {
	sized := SizeFunc(func(*testc.Small) uint64 { return 8 })
	for name, options := range map[string][]Option{
		"shared":           {FixedSize(8)},
		"exact":            {FixedSize(8), NetExact()},
		"by the core":      {sized},
		"with destructor":  {FixedSize(8), Destroy(func(*testc.Small) error { return nil })},
		"by the core, too": {sized, Destroy(func(*testc.Small) error { return nil })},
	} {
		t.Run(name, func(t *testing.T) {
			kind := NewType[*testc.Small]("last generation: "+name, options...)
			thing := testc.MallocSmall()
			defer testc.FreeSmall(thing)
			last := ownAgain(t, kind, thing, func(first handle) { first.net.slot.state = generationLast })
			l, err := last.Borrow()
			if err != nil {
				t.Error(err)
			}
			l.Return()
			if err := last.Close(); err != nil {
				t.Error(err)
			}
			if state := last.net.slot.state; state != generationLast|stateClosed {
				t.Errorf("state %x: not retired", state)
			}
			if next := ownSmall(t, kind, thing); next.net == last.net {
				t.Error("the slot is used again")
			} else if err := next.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Goal: what an Own that failed left in a slot is not taken for the next object's type.
// Method: a child of a parent pinned to another thread, in a slot that was of a plain type;
// then an object of that type again.
func TestFailedOwnLeavesNoType(t *testing.T) {
	thing := testc.MallocSmall()
	defer testc.FreeSmall(thing)
	parents, done := make(chan Owned[*testc.Small]), make(chan struct{})
	defer func() { <-parents }()
	defer close(done)
	go func() {
		defer close(parents)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		parent := ownSmall(t, NewType[*testc.Small]("pinned parent", ThreadPinned()), thing)
		parents <- parent
		<-done
		if err := parent.Close(); err != nil {
			t.Error(err)
		}
	}()
	parent := <-parents
	plain := NewType[*testc.Small]("before and after", FixedSize(8), NetExact())
	child := NewType[*testc.Small]("in between")
	o := ownAgain(t, plain, thing, func(handle) {
		if _, err := child.Own(thing, ChildOf(parent)); !errors.Is(err, ErrWrongThread) {
			t.Error(err)
		}
	})
	if id := o.net.slot.kind; id != plain.kind.id || o.net.kind() != plain.kind {
		t.Errorf("the slot is of type %q", kinds[id].Load().name)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}

// toldOf collects the reports about a type while the test runs.
func toldOf(t *testing.T, name string) func() []Report {
	var mutex sync.Mutex
	var all []Report
	t.Cleanup(OnReport(func(r Report) {
		mutex.Lock()
		defer mutex.Unlock()
		if r.Type == name {
			all = append(all, r)
		}
	}))
	return func() []Report {
		FlushReports()
		mutex.Lock()
		defer mutex.Unlock()
		return all
	}
}

func ownSmall(t *testing.T, kind Type[*testc.Small], thing *testc.Small) Owned[*testc.Small] {
	t.Helper()
	o, err := kind.Own(thing)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// ownAgain opens an object, closes it, and opens one in the same slot. between is called
// while the slot is free.
func ownAgain(t *testing.T, kind Type[*testc.Small], thing *testc.Small, between func(handle)) Owned[*testc.Small] {
	t.Helper()
	for range 10 { // an object whose stacks are kept takes another slot
		first := ownSmall(t, kind, thing)
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		between(first.handle)
		if second := ownSmall(t, kind, thing); second.net == first.net {
			return second
		}
	}
	t.Fatal("another slot each time")
	panic("not reached")
}

// Goal: an object that is traced, and so opened in another slot after all, leaves its
// first slot as it was: what is told of the object that was there stays right. Method:
// close one, open one of another type at LevelAll, use the first.
func TestTracedOwnLeavesThePast(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one stripe: the slot is the next one
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	past := NewType[*testc.Small]("past", NetShared())
	traced := NewType[*testc.Small]("traced", NetShared())
	told := toldOf(t, "past")
	first, err := past.Own(p)
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	SetLevel(LevelAll)
	defer SetLevel(LevelSampled)
	opened := past.Stats().Opened
	o, err := traced.Own(p)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if _, err = first.Borrow(); err == nil || !strings.Contains(err.Error(), "past") {
		t.Error(err)
	}
	if all := told(); len(all) != 1 || !strings.Contains(all[0].Closed.Line, "TestTracedOwnLeavesThePast") {
		t.Errorf("%v", all)
	}
	if s := traced.Stats(); past.Stats().Opened != opened || s.Opened != 1 || s.Live != 1 {
		t.Errorf("%+v", s)
	}
}
