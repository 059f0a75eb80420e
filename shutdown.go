// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"
)

// HeldError is what [Shutdown] could not destroy: objects that are borrowed,
// that refused, or that only their own thread may destroy.
type HeldError struct {
	Leaked  uint64 // objects that were open, and that Shutdown destroyed
	Objects []Object
	Cause   error // of the context; nil if it had not ended
}

func (e *HeldError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "belay: shutdown: still held: %d", len(e.Objects))
	for i, o := range e.Objects {
		if i == 10 {
			fmt.Fprintf(&text, "\n  and %d more", len(e.Objects)-i)
			break
		}
		fmt.Fprintf(&text, "\n  %s, %d borrows, for %v, opened at %s", o.Type, o.Borrows, o.Age, o.Opened)
	}
	return text.String()
}

// Unwrap returns [ErrTimedOut], and the cause of the context if there is one.
func (e *HeldError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrTimedOut}
	}
	return []error{ErrTimedOut, e.Cause}
}

// Shutdown ends what the program owns: it destroys what the net found, then
// every object that is still open, children first, and reports each as a leak;
// it waits for borrows until ctx ends. nil: nothing is held any more. Else the
// error is a [*HeldError]: at once, if all that is left are objects that refused
// or that another thread must close.
//
// Neither os.Exit nor the return of main does this: call it last in main. The
// package stays usable.
func Shutdown(ctx context.Context) error {
	timeout := time.Duration(math.MaxInt64)
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	stop := new(uint32)
	defer context.AfterFunc(ctx, func() { atomic.StoreUint32(stop, 1) })()
	s, leaked := bindShutdown(timeout, stop)
	if s == statusOK {
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= 0 {
		<-ctx.Done() // its timer may be a moment behind the core's clock
	}
	objects := Live()
	if len(objects) == 0 {
		return nil // the last ones ended just now
	}
	return &HeldError{Leaked: leaked, Objects: objects, Cause: context.Cause(ctx)}
}
