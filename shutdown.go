// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// HeldError is what [Shutdown] could not destroy: objects that are borrowed,
// that refused, or that only their own thread may destroy.
type HeldError struct {
	Leaked  uint64 // objects that were open, and that Shutdown destroyed
	Objects []Object
	Cause   error // of the context
}

func (e *HeldError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "belay: shutdown: %d objects still held", len(e.Objects))
	for i, o := range e.Objects {
		if i == 10 {
			fmt.Fprintf(&text, "\n  and %d more", len(e.Objects)-i)
			break
		}
		fmt.Fprintf(&text, "\n  %s, %d borrows, for %v, opened at %s", o.Type, o.Borrows, o.Age, o.Opened)
	}
	return text.String()
}

// Unwrap returns [ErrTimedOut] and the cause of the context.
func (e *HeldError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrTimedOut}
	}
	return []error{ErrTimedOut, e.Cause}
}

// shutdownSlice is how long the core waits between looks at the context.
const shutdownSlice = 100 * time.Millisecond

// Shutdown ends what the program owns: it destroys what the net found, then
// every object that is still open, children first, and reports each as a leak;
// it waits for borrows until ctx ends. nil: nothing is held any more. Else the
// error is a [*HeldError].
//
// Neither os.Exit nor the return of main does this: call it last in main. The
// package stays usable.
func Shutdown(ctx context.Context) error {
	var leaked uint64
	for {
		slice := shutdownSlice
		if deadline, ok := ctx.Deadline(); ok {
			slice = min(slice, max(time.Until(deadline), 0))
		}
		s, closed, _ := shutdown(slice)
		leaked += closed
		if s == statusOK {
			return nil
		}
		if ctx.Err() != nil {
			return &HeldError{Leaked: leaked, Objects: Live(), Cause: context.Cause(ctx)}
		}
	}
}
