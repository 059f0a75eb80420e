// SPDX-License-Identifier: MIT

package belay_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// Goal: Shutdown closes what is open, children first, and tells what it can't.
func TestShutdown(t *testing.T) {
	kind := belay.NewType[*testc.Thing]("left open", belay.Destroy(endThing))
	reports := reportsOf(t, "left open")
	held, gone := own(t, kind)
	parent, parentGone := own(t, kind)
	child, childGone := own(t, kind, belay.ChildOf(parent))
	b, err := held.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var heldError *belay.HeldError
	if err := belay.Shutdown(ctx); !errors.As(err, &heldError) || !errors.Is(err, belay.ErrTimedOut) {
		t.Fatal(err)
	}
	found := false
	for _, object := range heldError.Objects {
		if object.Type == "left open" {
			found = object.Borrows == 1 && object.Closing && strings.Contains(object.Opened, "own ")
		}
	}
	if !found || *gone != 0 || *parentGone != 1 || *childGone != 1 {
		t.Error(heldError, *gone, *parentGone, *childGone)
	}
	if leaks := reports(belay.ReportLeak); len(leaks) == 0 || len(reports(belay.ReportStillHeld)) == 0 {
		t.Error("not reported", leaks)
	}
	b.Return()
	runtime.KeepAlive(child) // and the parent with it: not forgotten until here
	if *gone != 1 {
		t.Error(*gone)
	}
	if stats := kind.Stats(); stats.Leaked < 2 || stats.Live != 0 {
		t.Errorf("%+v", stats)
	}
}

// Goal: Shutdown does not wait for what nobody will end, nor ask it again and
// again. Method: a destructor that always refuses, and much time.
func TestShutdownLeavesWhatRefuses(t *testing.T) {
	calls, refuses := 0, true
	kind := belay.NewType[*testc.Thing]("never ready", belay.Destroy(func(p *testc.Thing) error {
		if calls++; refuses {
			return belay.Refuse(nil)
		}
		testc.ThingEnd(p)
		return nil
	}))
	o, _ := own(t, kind)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var held *belay.HeldError
	if err := belay.Shutdown(ctx); !errors.As(err, &held) || held.Cause != nil ||
		!slices.ContainsFunc(held.Objects, func(o belay.Object) bool { return o.Type == "never ready" && !o.Closing }) {
		t.Fatal(err)
	}
	if calls != 1 || ctx.Err() != nil {
		t.Errorf("asked %d times, %v", calls, ctx.Err())
	}
	refuses = false
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}

// Goal: waiting for a borrow ends with it, without a word, or when the context is
// cancelled. Method: a borrow that is returned meanwhile, and one that is not.
func TestShutdownWaits(t *testing.T) {
	kind := belay.NewType[*testc.Thing]("awaited", belay.Destroy(endThing))
	reports := reportsOf(t, "awaited")
	o, gone := own(t, kind)
	b, err := o.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	long, end := context.WithTimeout(context.Background(), 30*time.Second)
	defer end()
	ctx, cancel := context.WithCancelCause(long)
	why := errors.New("enough")
	time.AfterFunc(20*time.Millisecond, func() { cancel(why) })
	if err := belay.Shutdown(ctx); !errors.Is(err, why) || *gone != 0 || long.Err() != nil {
		t.Error(err, *gone, long.Err())
	}
	told := len(reports(belay.ReportStillHeld))
	time.AfterFunc(250*time.Millisecond, b.Return)
	if err := belay.Shutdown(long); err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
	if more := reports(belay.ReportStillHeld)[told:]; len(more) != 0 {
		t.Error("told as held before the end", more)
	}
}

func TestDrainWithoutTime(t *testing.T) {
	done := make(chan bool)
	go func() { done <- belay.Drain(-time.Second) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("a negative timeout waits")
	}
}
