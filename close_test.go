// SPDX-License-Identifier: MIT

package belay_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// Goal: Close of an object in use returns at once, and the last use destroys
// it. Method: two borrows, for destructors in Go and in C.
func TestCloseWhileBorrowed(t *testing.T) {
	for _, kind := range []belay.Type[*testc.Thing]{thingType, cType} {
		o, gone := own(t, kind)
		a, _ := o.Borrow()
		b, err := o.Borrow()
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Close(); err != nil || *gone != 0 {
			t.Error(err, *gone)
		}
		if o.IsOpen() {
			t.Error("open after Close")
		}
		if _, err := o.Borrow(); !errors.Is(err, belay.ErrClosed) {
			t.Error(err)
		}
		a.Return()
		if *gone != 0 {
			t.Error("destroyed while borrowed")
		}
		testc.ThingCall(b.Ptr(), 1)
		b.Return()
		if *gone != 1 {
			t.Error("not destroyed by the last Return")
		}
	}
}

func TestCloseWait(t *testing.T) {
	o, gone := own(t, thingType)
	b, _ := o.Borrow()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := o.CloseWait(ctx); !errors.Is(err, belay.ErrTimedOut) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	done := make(chan error)
	go func() { done <- o.CloseWait(context.Background()) }()
	time.Sleep(10 * time.Millisecond)
	b.Return()
	if err := <-done; err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
	if err := o.CloseWait(context.Background()); err != nil {
		t.Error(err)
	}

	late, gone := own(t, failType)
	b, _ = late.Borrow()
	go func() { done <- late.CloseWait(context.Background()) }()
	time.Sleep(10 * time.Millisecond)
	b.Return()
	if err := <-done; !errors.Is(err, belay.ErrDestroyFailed) || *gone != 1 {
		t.Error(err, *gone)
	}
}

// Goal: CloseWait during another goroutine's Close sees the end. Method: a
// destructor that waits until someone waits for it.
func TestCloseWaitDuringDestructor(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	kind := belay.NewType[*testc.Thing]("slow to end", belay.Destroy(func(p *testc.Thing) error {
		close(entered)
		<-leave
		testc.ThingEnd(p)
		return nil
	}))
	o, gone := own(t, kind)
	closing, waiting := make(chan error), make(chan error)
	go func() { closing <- o.Close() }()
	<-entered
	go func() { waiting <- o.CloseWait(context.Background()) }()
	select {
	case err := <-waiting:
		t.Fatal("came back during the destructor", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(leave)
	if err := errors.Join(<-closing, <-waiting); err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
}

// Goal: children end before their parent, newest first. Method: a destructor
// that writes down who ends.
func TestChildren(t *testing.T) {
	var order []string
	ends := func(name string) belay.Option {
		return belay.Destroy(func(p *testc.Thing) error {
			order = append(order, name)
			testc.ThingEnd(p)
			return nil
		})
	}
	parentType := belay.NewType[*testc.Thing]("parent", ends("parent"))
	childType := belay.NewType[*testc.Thing]("child", ends("child"))
	parent, _ := own(t, parentType)
	one, _ := own(t, childType, belay.ChildOf(parent))
	_, _ = own(t, childType, belay.ChildOf(parent))
	if _, err := parent.Disown(); !errors.Is(err, belay.ErrBusy) {
		t.Error(err)
	}
	if err := one.Do(func(*testc.Thing) error { return parent.Close() }); err != nil {
		t.Error(err)
	}
	if !slices.Equal(order, []string{"child", "child", "parent"}) {
		t.Error(order)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	p := testc.ThingNew(nil, nil)
	if _, err := childType.Own(p, belay.ChildOf(parent)); !errors.Is(err, belay.ErrClosed) {
		t.Error(err)
	}
	testc.ThingEnd(p)

	order = nil
	holdType := belay.NewType[*testc.Thing]("holding", ends("parent"), belay.HoldChildren())
	parent, _ = own(t, holdType)
	one, _ = own(t, childType, belay.ChildOf(parent))
	if err := parent.Close(); err != nil || len(order) != 0 {
		t.Error(err, order)
	}
	if err := one.Close(); err != nil || !slices.Equal(order, []string{"child", "parent"}) {
		t.Error(err, order)
	}
}
