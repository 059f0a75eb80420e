// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"runtime"
	"sync"
	"sync/atomic"

	"belay.example/belay/internal/goroutine"
	"belay.example/belay/internal/opened"
)

// The stacks of traced objects: all at LevelAll, else each that uses up the credit of
// its shard, which is at most the 1024th of its type. They are kept by handle while the
// object lives, and of the last few that are gone.

const (
	traceInterval = 1024 // of what is opened through the core
	traceDepth    = 32
	tracePastMax  = 1024
	stackMax      = 4096
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

	stacks map[uintptr][]uintptr // by the hash of all return addresses
}

func init() {
	traces.known, traces.sweep = map[uint64]*trace{}, 2*tracePastMax
	traces.using, traces.stacks = map[uint64][]uintptr{}, map[uintptr][]uintptr{}
}

// traceLevel is the level, where it costs no crossing.
var traceLevel atomic.Uint32

// setTraces follows a change of the level.
func setTraces() {
	level := levelGet()
	traceLevel.Store(uint32(level))
	opened.LookAtAll(level == LevelAll || stressGC)
}

// isTraced tells whether an object is traced, whose turn it is or is not.
func isTraced(isItsTurn bool) bool {
	if noReports {
		return false
	}
	level := Level(traceLevel.Load())
	return level == LevelAll || isItsTurn && level == LevelSampled
}

// stack is the stack of the caller's caller. The runtime needs a microsecond or
// two for it, so that those seen before are found by their hash. Under the lock.
func stack() []uintptr {
	hash := goroutine.TraceAll()
	if pcs, ok := traces.stacks[hash]; ok && framesAgree {
		return pcs
	}
	pcs := make([]uintptr, traceDepth)
	pcs = pcs[:runtime.Callers(3, pcs)]
	if len(traces.stacks) == stackMax {
		clear(traces.stacks)
	}
	traces.stacks[hash] = pcs
	return pcs
}

func traceOpened(bits uint64) {
	traces.Lock()
	defer traces.Unlock()
	traces.known[bits] = &trace{opened: stack()}
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

// traceClosed notes who closes a traced object.
func traceClosed(bits uint64) {
	traces.Lock()
	defer traces.Unlock()
	known := traces.known[bits]
	if known == nil || known.closed != nil {
		return
	}
	known.closed = stack()
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
	traces.using[bits] = stack()
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
