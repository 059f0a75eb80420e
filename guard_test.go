// SPDX-License-Identifier: MIT

package belay_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// Goal: two goroutines never meet inside a library that can't take it, nor do
// destructors, from whoever runs them. Method: the library itself looks, while
// many goroutines call, close and forget, below one parent or on one object.
func TestGuardsKeepCallsApart(t *testing.T) {
	for _, test := range []struct {
		name    string
		options []belay.Option
		domain  bool
	}{
		{"exclusive", []belay.Option{belay.GuardExclusive()}, false},
		{"domain", []belay.Option{belay.GuardDomain()}, true},
		{"serial", []belay.Option{belay.ThreadSerial()}, true},
	} {
		for _, end := range []belay.Option{belay.DestroyC(testc.DropEndInside), belay.Destroy(func(p *testc.Thing) error {
			testc.ThingEndInside(p)
			return nil
		})} {
			t.Run(test.name, func(t *testing.T) {
				before := testc.Overlaps()
				kind := belay.NewType[*testc.Thing](test.name, append([]belay.Option{end}, test.options...)...)
				p := testc.ThingNew(nil, nil)
				root, err := kind.Own(p)
				if err != nil {
					t.Fatal(err)
				}
				var work sync.WaitGroup
				for range 8 {
					work.Add(1)
					go func() {
						defer work.Done()
						for i := range scaled(200) {
							guardWork(t, kind, root, p, test.domain, i)
						}
					}()
				}
				work.Wait()
				runtime.GC()
				belay.Drain(10 * time.Second)
				if err := root.Close(); err != nil {
					t.Error(err)
				}
				collectUntil(t, "objects left", func() bool { return kind.Stats().Live == 0 })
				if met := testc.Overlaps() - before; met != 0 {
					t.Errorf("%d calls met in the library", met)
				}
			})
		}
	}
}

// guardWork calls the root, and makes, uses and ends or forgets a child of it.
func guardWork(t *testing.T, kind belay.Type[*testc.Thing], root belay.Owned[*testc.Thing], p *testc.Thing, domain bool, i int) {
	call := func(p *testc.Thing) error { testc.ThingCall(p, 20); return nil }
	if err := root.Do(call); err != nil {
		t.Error(err)
	}
	if !domain {
		return
	}
	var child belay.Owned[*testc.Thing]
	err := root.Do(func(p *testc.Thing) (err error) {
		child, err = kind.Own(testc.ThingNew(p, nil), belay.ChildOf(root))
		return err
	})
	if err == nil {
		err = child.Do(call)
	}
	if err == nil && i%4 != 0 {
		err = child.Close()
	}
	if err != nil {
		t.Error(err)
	}
}

// Goal: a goroutine may enter what it is in. Method: nested borrows of object,
// parent and child.
func TestGuardIsReentrant(t *testing.T) {
	kind := belay.NewType[*testc.Thing]("nested", belay.DestroyC(testc.DropEnd), belay.GuardDomain())
	root, _ := own(t, kind)
	child, _ := own(t, kind, belay.ChildOf(root))
	err := root.Do(func(*testc.Thing) error {
		return child.Do(func(*testc.Thing) error {
			return root.Do(func(*testc.Thing) error { return child.Close() })
		})
	})
	if err != nil {
		t.Error(err)
	}
	if err := root.Close(); err != nil || kind.Stats().Live != 0 {
		t.Error(err, kind.Stats().Live)
	}
}

// Goal: a Go destructor that the core calls may use the guard it runs under.
// Method: a child's destructor that calls its parent: closed, as the last use,
// and by the net.
func TestDestructorEntersItsGuard(t *testing.T) {
	var root belay.Owned[*testc.Thing]
	rootType := belay.NewType[*testc.Thing]("entered", belay.DestroyC(testc.DropEnd), belay.GuardDomain())
	calls := atomic.Int32{}
	childType := belay.NewType[*testc.Thing]("entering", belay.GuardDomain(), belay.Destroy(func(p *testc.Thing) error {
		defer testc.ThingEnd(p)
		return root.Do(func(*testc.Thing) error { calls.Add(1); return nil })
	}))
	root, _ = own(t, rootType)
	child, _ := own(t, childType, belay.ChildOf(root))
	if err := child.Close(); err != nil {
		t.Error(err)
	}
	child, _ = own(t, childType, belay.ChildOf(root))
	b, err := child.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	_ = child.Close()
	b.Return()
	func() { _, _ = own(t, childType, belay.ChildOf(root)) }()
	collectUntil(t, "the forgotten child was not destroyed", func() bool { return calls.Load() == 3 })
	if err := root.Close(); err != nil {
		t.Error(err)
	}
	// The type keeps the closure, the closure the variable, the closed handle its net,
	// and that would hide the next object of that net when it is forgotten.
	root = belay.Owned[*testc.Thing]{}
}

// Goal: waiting for a guard ends with its context, and the guard stays good.
// Method: hold it, give up, hold again.
func TestGuardWaitEnds(t *testing.T) {
	kind := belay.NewType[*testc.Thing]("held", belay.DestroyC(testc.DropEnd), belay.GuardExclusive())
	o, _ := own(t, kind)
	b, _ := o.Borrow()
	nothing := func(*testc.Thing) error { return nil }
	given := make(chan error)
	for range 4 {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			given <- o.DoContext(ctx, nil, nothing)
		}()
	}
	for range 4 {
		if err := <-given; !errors.Is(err, belay.ErrTimedOut) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	}
	for range 4 {
		go func() { given <- o.Do(nothing) }()
	}
	select {
	case err := <-given:
		t.Error("entered while another was inside", err)
	case <-time.After(20 * time.Millisecond):
	}
	b.Return()
	for range 4 {
		if err := <-given; err != nil {
			t.Error(err)
		}
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}

func TestCloseWaitInsideTheGuard(t *testing.T) {
	kind := belay.NewType[*testc.Thing]("waited inside", belay.DestroyC(testc.DropEnd), belay.GuardExclusive())
	o, gone := own(t, kind)
	err := o.Do(func(*testc.Thing) error { return o.CloseWait(context.Background()) })
	if !errors.Is(err, belay.ErrWouldDeadlock) {
		t.Error(err)
	}
	if err := o.Close(); err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
}

func TestPinned(t *testing.T) {
	kind := belay.NewType[*testc.Thing]("pinned", belay.DestroyC(testc.DropEnd), belay.ThreadPinned())
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	o, gone := own(t, kind)
	elsewhere := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		elsewhere <- o.Do(func(*testc.Thing) error { return nil })
		elsewhere <- o.Close()
	}()
	for range 2 {
		if err := <-elsewhere; !errors.Is(err, belay.ErrWrongThread) {
			t.Error(err)
		}
	}
	if err := o.Do(func(*testc.Thing) error { return nil }); err != nil {
		t.Error(err)
	}
	if err := o.Close(); err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
}

func TestPumped(t *testing.T) {
	kind := belay.NewType[*testc.Thing]("pumped", belay.DestroyC(testc.DropEnd), belay.ThreadPumped())
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	kind.Pump()
	o, gone := own(t, kind)
	closed := make(chan error)
	go func() { closed <- o.Close() }()
	if err := <-closed; err != nil || *gone != 0 {
		t.Error(err, *gone)
	}
	if count := kind.Pump(); count != 1 || *gone != 1 {
		t.Error(count, *gone)
	}
}

// Goal: who is inside a guard ends what hangs below it, there and then. Method: in
// a domain that this goroutine has entered, return and disown the last child, of a
// type without a guard, of a parent that was closed.
func TestParentEndsInsideItsGuard(t *testing.T) {
	domainType := belay.NewType[*testc.Thing]("entered", belay.DestroyC(testc.DropEnd), belay.GuardDomain())
	for name, end := range map[string]func(belay.Owned[*testc.Thing], *belay.Loan[*testc.Thing]){
		"return": func(child belay.Owned[*testc.Thing], loan *belay.Loan[*testc.Thing]) {
			_ = child.Close()
			loan.Return()
		},
		"disown": func(child belay.Owned[*testc.Thing], loan *belay.Loan[*testc.Thing]) {
			loan.Return()
			if p, err := child.Disown(); err == nil {
				testc.ThingEnd(p)
			}
		},
	} {
		root, _ := own(t, domainType)
		parent, parentGone := own(t, holdType, belay.ChildOf(root))
		child, childGone := own(t, cType, belay.ChildOf(parent))
		loan, err := child.Borrow()
		if err != nil {
			t.Fatal(err)
		}
		err = root.Do(func(*testc.Thing) error {
			if err := parent.Close(); err != nil {
				t.Error(name, err)
			}
			end(child, &loan)
			if *childGone != 1 || *parentGone != 1 {
				t.Errorf("%s: child ended %d times, parent %d, inside the guard", name, *childGone, *parentGone)
			}
			return nil
		})
		if err = errors.Join(err, root.Close()); err != nil {
			t.Error(name, err)
		}
	}
}

var holdType = belay.NewType[*testc.Thing]("holding in a domain", belay.DestroyC(testc.DropEnd), belay.GuardDomain(),
	belay.HoldChildren())
