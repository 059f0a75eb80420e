// SPDX-License-Identifier: MIT

package belay

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// The stacks of traced objects: one in 1024, or all at LevelAll. They are kept
// by handle while the object lives, and of the last few that are gone.

const (
	traceDepth   = 32
	tracePastMax = 1024
)

// trace is what is known of one object.
type trace struct{ opened, closed []uintptr }

var traces struct {
	sync.Mutex
	known map[uint64]*trace
	past  [tracePastMax]uint64 // closed ones, oldest overwritten first
	next  int
	sweep int                  // known beyond this: look which are gone
	using map[uint64][]uintptr // stacks of mistakes that are being reported
}

func stack(skip int) []uintptr {
	var pcs [traceDepth]uintptr
	count := runtime.Callers(skip+2, pcs[:])
	return append([]uintptr(nil), pcs[:count]...)
}

func traceOpened(bits uint64) {
	pcs := stack(1)
	traces.Lock()
	defer traces.Unlock()
	if traces.known == nil {
		traces.known = map[uint64]*trace{}
		traces.sweep = 2 * tracePastMax
	}
	traces.known[bits] = &trace{opened: pcs}
	if len(traces.known) > traces.sweep {
		traceSweep()
	}
}

// traceSweep forgets objects that the core ended, and that are not among the
// last ones. Under the lock.
func traceSweep() {
	keep := map[uint64]bool{}
	for _, bits := range traces.past {
		keep[bits] = true
	}
	for bits := range traces.known {
		state := atomic.LoadUint64(&bindSlot(uint32(bits & (generationUnit - 1))).state)
		if !isLive(state, bits) && !keep[bits] {
			delete(traces.known, bits)
		}
	}
	traces.sweep = 2*len(traces.known) + 2*tracePastMax
}

// traceClosed notes who closes a traced object; force: it is known to be one.
func traceClosed(bits uint64, force bool) {
	traces.Lock()
	defer traces.Unlock()
	known := traces.known[bits]
	if known == nil || known.closed != nil || !force {
		return
	}
	known.closed = stack(1)
	delete(traces.known, traces.past[traces.next])
	traces.past[traces.next] = bits
	traces.next = (traces.next + 1) % tracePastMax
}

// traceUsed keeps the stack of a mistake while it is reported, if the object is
// traced or everything is.
func traceUsed(bits uint64) (forget func()) {
	if noReports || levelGet() == LevelOff {
		return func() {}
	}
	traces.Lock()
	defer traces.Unlock()
	if traces.known[bits] == nil && levelGet() != LevelAll {
		return func() {}
	}
	if traces.using == nil {
		traces.using = map[uint64][]uintptr{}
	}
	traces.using[bits] = stack(2)
	return func() {
		traces.Lock()
		defer traces.Unlock()
		delete(traces.using, bits)
	}
}

// traceFill puts the stacks that are known into a report.
func traceFill(bits uint64, r *Report) {
	traces.Lock()
	defer traces.Unlock()
	if known := traces.known[bits]; known != nil {
		r.Opened.Frames = framesOf(known.opened)
		r.Closed.Frames = framesOf(known.closed)
	}
	r.Used.Frames = framesOf(traces.using[bits])
}

// framesOf resolves a stack, without this package's own frames.
func framesOf(pcs []uintptr) []runtime.Frame {
	if len(pcs) == 0 {
		return nil
	}
	var list []runtime.Frame
	frames := runtime.CallersFrames(pcs)
	for {
		frame, more := frames.Next()
		if !isOwn(packageOf(frame.Function), frame.File) || len(list) > 0 {
			list = append(list, frame)
		}
		if !more {
			return list
		}
	}
}
