// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strconv"
	"sync/atomic"
	"unsafe"

	"belay.example/belay/internal/goroutine"
)

// Owned names one C object that the program owns. It is a small value: copies
// name the same object, compare equal and can be map keys. It stays safe to use
// after the object is gone. Every method is safe from any goroutine.
//
//	Own -> Borrow/Return, Do (any number) -> Close -> destroyed once
//
// The zero Owned names nothing: Close returns nil, everything else [ErrClosed].
//
// Keep it in Go memory: stored in C memory, it would not keep its net, and the
// collector would release the object.
type Owned[P any] struct{ handle }

// handle is an Owned without its type. ref is the state of the slot that a
// fast borrow or close expects: the generation and the flags the object got
// when it was opened. It never matches a guarded object, which has SLOW.
type handle struct {
	net *net
	ref uint64
}

// OwnOption is an option of [Type.Own].
type OwnOption struct {
	size   uint64
	parent handle
	isSize bool
}

// Size says how many bytes of C memory the object holds.
func Size(bytes uint64) OwnOption { return OwnOption{size: bytes, isSize: true} }

// ChildOf puts the object below a parent: it is destroyed first, whatever the
// order of closing, and it keeps the parent from being forgotten.
func ChildOf[P any](parent Owned[P]) OwnOption { return OwnOption{parent: parent.handle} }

// Own takes ownership of p, which C allocated: the collector does not see what
// is kept of it. On an error the caller still owns it.
//
// Errors: [ErrInvalid] if p is nil; [ErrClosed] if the parent is closed and
// idle; [ErrOutOfMemory], [ErrTableFull]; [ErrAlreadyOwned] at [LevelAll] if
// another handle owns p; [ErrWrongThread] if the parent is pinned elsewhere.
func (t Type[P]) Own(p P, options ...OwnOption) (o Owned[P], err error) {
	o.handle, err = t.kind.own(*(*unsafe.Pointer)(unsafe.Pointer(&p)), options)
	return
}

// Borrow lends the object: it is not destroyed before [Loan.Return]. A guarded
// type is entered here and left there. A goroutine may borrow what it borrowed
// already.
//
// Errors: [ErrClosed]; [ErrTooManyBorrows] beyond 16,383; [ErrWrongThread].
func (o Owned[P]) Borrow() (l Loan[P], err error) {
	l.loan, err = o.net.borrow(o.ref)
	return
}

// Do calls f with the object borrowed and returns what f returned, or the
// errors of [Owned.Borrow]. A panic in f returns the borrow and goes on.
func (o Owned[P]) Do(f func(P) error) error {
	l, err := o.net.borrow(o.ref)
	if err != nil {
		return err
	}
	defer l.returnHere()
	return f(*(*P)(unsafe.Pointer(&l.slot().object)))
}

// DoContext is [Owned.Do] with an end: waiting for a guard stops when ctx does,
// and when ctx ends while f runs, interrupt is called with the object, on
// another goroutine: it must be a function that the library allows to be
// called during another call (sqlite3_interrupt). nil: f runs on. It is called
// once, maybe before the call into the library has begun; one that such an
// interrupt does nothing to needs a function that repeats it until f is done
// (examples/sqlite).
//
// If ctx ended and f failed, the error is both f's and the cause of ctx. If ctx
// ended before, f is not called: [ErrTimedOut], with the cause of ctx.
func (o Owned[P]) DoContext(ctx context.Context, interrupt func(P), f func(P) error) error {
	l, err := o.net.borrowContext(ctx, o.ref)
	if err != nil {
		return err
	}
	defer l.Return()
	if ctx.Err() != nil {
		return failureOf("borrow", l.net.kind(), statusTimedOut, 0, context.Cause(ctx))
	}
	p := *(*P)(unsafe.Pointer(&l.slot().object))
	if interrupt == nil {
		return f(p)
	}
	return interruptible(ctx, func() { interrupt(p) }, func() error { return f(p) })
}

// Disown gives the object back to the caller, who owns it from here: nothing
// destroys it, neither Close nor the net.
//
// Errors: [ErrClosed]; [ErrBusy] while it is borrowed or has children.
func (o Owned[P]) Disown() (p P, err error) {
	object, err := o.disown()
	return *(*P)(unsafe.Pointer(&object)), err
}

// Close gives the object up. Idle, it is destroyed here, and the destructor's
// error is returned. In use, Close returns nil at once and the last use
// destroys it; a late error goes to the report and to [Owned.CloseWait].
// Closing again is nil.
//
// Errors: [ErrRefused] if it, or a child, would not go: it is open again;
// [ErrDestroyFailed] if it is gone with an error; [ErrWrongThread].
// The destructor's own error can be found by errors.Is and errors.As.
//
//go:noinline
func (h handle) Close() error {
	if h.net == nil {
		return nil
	}
	if k := h.net.kind(); k.release != releaseNothing || !isPlain(h.ref&^stateOverflow) {
		return h.net.closeRest(h.ref, k.chain(goroutine.Trace(unsafe.Pointer(&h))))
	}
	// Pinned before the compare-and-swap, which holds up what is read behind it.
	s := pinFast()
	switch {
	case hasBegun(), s.seen != atomic.LoadUint32(&news):
		procUnpin()
		return h.net.closeRest(h.ref, h.net.kind().chain(goroutine.Trace(unsafe.Pointer(&h))))
	}
	n, ref := h.net, h.ref&^stateOverflow
	k := n.kind()
	c := k.chain(goroutine.Trace(unsafe.Pointer(&h)))
	cell := c.cell()
	if !cell.isOf(c) {
		procUnpin()
		return n.closeRest(h.ref, c)
	}
	if !n.compareAndSwap(ref, ref&generationMask+generationUnit) {
		procUnpin()
		return n.closeSlow(h.ref, cell.site())
	}
	// The object is gone, as its state says. What is left is to count it, and to keep its
	// net for the next one: until then nobody has the slot.
	s.gone(n, k, cell.site())
	if n.group != s.group {
		s.put(n)
		return nil
	}
	release64(&n.group.local, n.group.local|n.bit())
	procUnpin()
	return nil
}

// CloseWait closes the object and waits until it is destroyed, or ctx ends: it
// stays closed then, or open if all it waited for was the guard of another
// object's. It must not be called inside a borrow of the same object.
//
// Errors: those of Close; [ErrTimedOut], with the cause of ctx;
// [ErrWouldDeadlock] if this goroutine holds the guard that the end needs.
func (h handle) CloseWait(ctx context.Context) error {
	if h.net == nil {
		return nil
	}
	return h.net.closeWait(ctx, h.ref)
}

// Resize changes the number of bytes accounted for the object.
// Errors: [ErrClosed].
func (h handle) Resize(bytes uint64) error {
	if h.net == nil {
		return failure("resize", nil, statusClosed)
	}
	// The net must live meanwhile, or the object could be found forgotten first.
	defer runtime.KeepAlive(h.net)
	if s := resize(h.net.bits(h.ref), bytes); s != statusOK {
		return failure("resize", h.net.kindOf(h.ref), s)
	}
	return nil
}

var errNoSizeFunc = errors.New("the type has no SizeFunc")

// Measure asks the type's [SizeFunc] and accounts the answer.
// Errors: [ErrInvalid] if the type has none; those of Borrow.
func (h handle) Measure() error {
	l, err := h.net.borrow(h.ref)
	if err != nil {
		return err
	}
	defer l.Return()
	k := l.net.kind()
	if k.sizeOf == nil {
		return failureOf("measure", k, statusInvalid, 0, errNoSizeFunc)
	}
	return h.Resize(k.sizeOf(pointer(uintptr(l.net.slot.object))))
}

// IsOpen tells whether the object was open a moment ago: for messages, not for
// decisions.
func (h handle) IsOpen() bool {
	if h.net == nil {
		return false
	}
	state := atomic.LoadUint64(&h.net.slot.state)
	return isLive(state, h.ref) && state&stateClosed == 0
}

// String names the object by its type, a number and whether it is open.
func (h handle) String() string {
	if h.net == nil {
		return "nothing"
	}
	text := "closed"
	if h.IsOpen() {
		text = "open"
	}
	return h.net.kindOf(h.ref).nameOrUnknown() + "#" + strconv.FormatUint(uint64(h.net.index), 10) + "." +
		strconv.FormatUint(h.ref>>generationShift, 10) + " " + text
}

// LogValue is the object as slog attributes, without addresses.
func (h handle) LogValue() slog.Value {
	if h.net == nil {
		return slog.GroupValue(slog.Bool("open", false))
	}
	return slog.GroupValue(slog.String("type", h.net.kindOf(h.ref).nameOrUnknown()), slog.Bool("open", h.IsOpen()),
		slog.Uint64("id", h.net.bits(h.ref)))
}
