// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unsafe"

	"belay.example/belay/internal/goroutine"
	"belay.example/belay/internal/testc"
)

// Goal: while Close frees an object that it ended by one compare-and-swap, CloseWait
// waits, and a use of it is not told with a wrong line for who closed it. Method: do by
// hand what Close does, and stop in between.
func TestCloseIsFreeing(t *testing.T) {
	kind := NewType[*testc.Small]("being freed", Free(), FixedSize(64))
	thing := testc.MallocSmall()
	o := ownSmall(t, kind, thing)
	for !isPlain(o.ref &^ stateOverflow) { // its stacks are kept: Close does it otherwise
		if _, err := o.Disown(); err != nil {
			t.Fatal(err)
		}
		o = ownSmall(t, kind, thing)
	}
	told := toldOf(t, "being freed")

	ref := o.ref &^ stateOverflow
	if !o.net.compareAndSwap(ref, ref&generationMask+generationUnit) {
		t.Fatal("another state")
	}
	if _, err := o.Borrow(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if all := told(); len(all) != 1 || strings.Contains(all[0].Closed.Line, ".go:") {
		t.Errorf("%v", all)
	}
	short, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := o.CloseWait(short); !errors.Is(err, ErrTimedOut) {
		t.Error("did not wait:", err)
	}
	waiting := make(chan error)
	go func() { waiting <- o.CloseWait(context.Background()) }()
	testc.FreeSmall(thing)
	o.net.bury(kind.kind, kind.kind.chain(goroutine.Trace(unsafe.Pointer(&t))))
	if err := <-waiting; err != nil {
		t.Error(err)
	}
	if stats := kind.Stats(); stats.Live != 0 {
		t.Errorf("%+v", stats)
	}
}
