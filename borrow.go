// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"belay.example/belay/internal/goroutine"
)

// failed is what a Loan that came with an error points at: it never was one, so that
// its Return is no second one, and does nothing.
var failed net

// borrow counts a borrow of an open object. The common cases are one
// compare-and-swap, when the state is what it was at Own, and none, when the
// object is lent to this goroutine for good.
//
//go:nosplit
func (n *net) borrow(ref uint64) (loan, error) {
	if n == nil {
		return n.borrowContext(context.Background(), ref)
	}
	if n.hasLender() {
		me := self() // first: nothing is kept in registers over this call
		state, lent := &n.slot.state, ref|stateLent
		if atomic.LoadUint64(state) == lent {
			if l := n.lentBy(); l.self == me {
				// Counted before the second look at the state: of that look, and the look at the
				// count of who recalls, one sees the other side (belay__lender_recall).
				l.lent++
				if atomic.LoadUint64(state) == lent {
					return loan{n, state, lent, l.address()}, nil
				}
				n.untake(l, lent)
			}
			return n.borrowContext(context.Background(), ref)
		}
	}
	if !atomic.CompareAndSwapUint64(&n.slot.state, ref, ref+1) {
		return n.borrowContext(context.Background(), ref)
	}
	if n.isAskDue(ref) {
		return n.ask(ref, loan{n, &n.slot.state, ref + 1, ref}), nil
	}
	return loan{n, &n.slot.state, ref + 1, ref}, nil
}

// borrowContext is borrow for every case. ctx limits waiting for a guard.
func (n *net) borrowContext(ctx context.Context, ref uint64) (loan, error) {
	if n == nil {
		return loan{net: &failed}, failure("borrow", nil, statusClosed)
	}
	// The net must live until the borrow is counted; then the object stays anyway.
	defer runtime.KeepAlive(n)
	collectUnderStress()
	for {
		state := atomic.LoadUint64(&n.slot.state)
		switch {
		case !isLive(state, ref) || state&stateClosed != 0:
			n.misuse(ReportUseAfterClose, ref, statusClosed)
			return loan{net: &failed}, failure("borrow", n.kindOf(ref), statusClosed)
		case state&stateSlow != 0:
			return n.borrowGuarded(ctx, ref)
		case isFull(state):
			return loan{net: &failed}, failure("borrow", n.kindOf(ref), statusTooManyBorrows)
		}
		collectUnderStress()
		if n.compareAndSwap(state, state+1) {
			raceBorrowed(n)
			counted := loan{net: n, state: &n.slot.state, used: state + 1 | slowReference, back: state}
			if state&stateLent != 0 && n.isAskDueShared() {
				counted = n.ask(ref, counted)
			}
			return counted, nil
		}
	}
}

// isFull tells whether no more borrows can be counted: a standing loan needs room
// to become one.
func isFull(state uint64) bool { return state&stateCount+state&stateLent/stateLent == stateCount }

// kindOf is the type of the object that ref names, or named if nothing was opened
// in its slot since; nil: not known any more.
func (n *net) kindOf(ref uint64) *kind {
	state := atomic.LoadUint64(&n.slot.state)
	if isLive(state, ref) || isPast(state, ref) {
		return n.kind()
	}
	return nil
}

// borrowGuarded borrows through the core, and parks while the guard is taken.
func (n *net) borrowGuarded(ctx context.Context, ref uint64) (loan, error) {
	k, site := n.kind(), n.kind().siteHere()
	waited := uint32(0)
	for {
		identity := k.identity()
		r := bindBorrow(n.bits(ref), identity, site)
		if r.status == statusBusy && identity != 0 && inCallback() {
			// The thread that called us back may hold the guard for us.
			identity = identitySelf()
			r = bindBorrow(n.bits(ref), identity, site)
		}
		switch r.status {
		case statusOK:
			raceBorrowed(n)
			return loan{net: n, state: &n.slot.state, used: ref + 1 | stateOverflow | stateSlow, back: identity}, nil
		case statusBusy:
			if err := waitForGuard(ctx, r.guard); err != nil {
				return loan{net: &failed}, failureOf("borrow", k, statusTimedOut, 0, err)
			}
			waited = r.guard
		default:
			if waited != 0 {
				guardPass(waited)
			}
			return loan{net: &failed}, failure("borrow", k, r.status)
		}
	}
}

// identity is who holds a guard for this goroutine: 0 stands for the thread.
func (k *kind) identity() uint64 {
	if k.isThread {
		return 0
	}
	return uint64(goroutine.Identity()) | identityForeign
}

// leave is the return for every case but an object that is as it was borrowed.
//
//go:nosplit
func (l *loan) leave() {
	if l.used == 0 || l.used&stateCount != 0 {
		l.leaveCounted()
		return
	}
	me := self()
	by, state, used := l.lender(), l.state, l.used
	// The state tells that the record is still this object's. The count goes down after
	// all use of the object, which lender_is_idle acquires, and before the second look.
	if by.self == me && atomic.LoadUint64(state) == used && by.lent != atomic.LoadUint64(&by.foreign) {
		release64(&by.lent, by.lent-1)
		if atomic.LoadUint64(state) != used {
			l.net.settleLent(by, used)
		}
		return
	}
	l.leaveLent(me)
}

// leaveCounted is leave for a borrow that was counted in the state.
func (l *loan) leaveCounted() {
	n, used := l.net, l.used
	if n == nil || n == &failed {
		return
	}
	if used == 0 {
		n.misuse(ReportDoubleReturn, atomic.LoadUint64(&n.slot.state), statusNotBorrowed)
		return
	}
	defer runtime.KeepAlive(n)
	raceReturning(n)
	for {
		state := atomic.LoadUint64(&n.slot.state)
		if !isLive(state, used) || state&stateCount == 0 {
			n.misuse(ReportDoubleReturn, used, statusNotBorrowed)
			return
		}
		isLast := state&stateClosed != 0 && state&stateBorrows == 1
		if state&stateSlow != 0 || isLast {
			break
		}
		if n.compareAndSwap(state, state-1) {
			return
		}
	}
	k, identity := n.kind(), uint64(0)
	if used&stateSlow != 0 {
		identity = l.back
	}
	if identity == 0 {
		// No guard of its own; a parent that ends with it may have one, and we be inside.
		identity = k.identity()
	}
	r := bindReturn(n.bits(used), identity, k.siteHere())
	if r.guard != 0 {
		guardLeft(r.guard)
	}
	n.reuse(used)
}

// misuse reports a call that is refused.
func (n *net) misuse(kind ReportKind, ref uint64, s status) {
	bits := n.bits(ref)
	forget := traceUsed(bits)
	defer forget()
	bindMisuse(kind, bits, s, n.kind().siteHere())
}

// disown gives the object back.
func (h handle) disown() (uintptr, error) {
	if h.net == nil {
		return 0, failure("disown", nil, statusClosed)
	}
	n := h.net
	defer runtime.KeepAlive(n)
	k := n.kind()
	r := bindDisown(n.bits(h.ref), k.identity(), k.siteHere())
	if r.status != statusOK {
		return 0, failure("disown", n.kindOf(h.ref), r.status)
	}
	n.reuse(h.ref)
	return uintptr(r.value), nil
}

// interruptible calls f, and interrupt when ctx ends during it.
func interruptible(ctx context.Context, interrupt func(), f func() error) error {
	var running sync.WaitGroup
	running.Add(1)
	stop := context.AfterFunc(ctx, func() {
		defer running.Done()
		defer func() {
			if p := recover(); p != nil {
				_ = panicked("interrupt function", p)
			}
		}()
		interrupt()
	})
	interrupted := false
	// Also when f panics: the object must outlast the interrupt.
	end := func() {
		if interrupted = !stop(); interrupted {
			running.Wait()
		}
	}
	done := false
	defer func() {
		if !done {
			end()
		}
	}()
	err := f()
	done = true
	end()
	if interrupted && err != nil {
		return &interruption{context.Cause(ctx), err}
	}
	return err
}

// interruption is the error of a call that was interrupted.
type interruption struct{ cause, err error }

func (i *interruption) Error() string {
	return i.err.Error() + " (interrupted: " + i.cause.Error() + ")"
}

func (i *interruption) Unwrap() []error { return []error{i.err, i.cause} }
