// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// isPlain tells whether Close may do without the core, as far as the state of an
// idle object tells: no kin, no guard, no stacks, and not the last generation,
// which is for the core to retire.
func isPlain(ref uint64) bool { return ref&referenceRest == 0 }

// closeRest closes an object that has something to destroy, or that is more than an
// idle slot, or one of the many whose stripe or line is not at hand.
//
//go:noinline
func (n *net) closeRest(reference uint64, c chain) error {
	k, ref := n.kind(), reference&^stateOverflow
	switch {
	case !isPlain(ref) || k.release == releaseC:
		return n.closeSlow(reference, k.siteOf(c))
	case k.release == releaseGo:
		return n.closeGo(reference, c)
	}
	// As in Close. Freed only then: while the state says that it is there, it may be
	// borrowed.
	if !n.compareAndSwap(ref, ref&generationMask+generationUnit) {
		return n.closeSlow(reference, k.siteOf(c))
	}
	if k.release == releaseFree {
		free(uintptr(n.slot.object))
	}
	n.bury(k, c)
	return nil
}

// closeGo closes an idle object that has a destructor in Go.
func (n *net) closeGo(reference uint64, c chain) error {
	k, ref := n.kind(), reference&^stateOverflow
	if !n.compareAndSwap(ref, ref|stateClosed|stateDying) {
		return n.closeSlow(reference, k.siteOf(c))
	}
	isGone, err := n.destroyGo(k, ref, c)
	if isGone {
		n.bury(k, c)
	}
	return err
}

// bury counts an object that this goroutine ended, and keeps its net for the
// next one.
func (n *net) bury(k *kind, c chain) {
	site := k.siteOf(c)
	s := pin()
	s.gone(n, k, site)
	s.put(n)
}

// closeSlow closes an object through the core.
func (n *net) closeSlow(ref uint64, site uint32) error {
	defer runtime.KeepAlive(n)
	k := n.kind() // before the slot can be another object's
	s, code, _, err := n.closeInCore(context.Background(), ref, site, false)
	if err != nil {
		return err
	}
	return k.ending("close", s, code)
}

// closeInCore closes, and parks while the guard is taken, or ctx ends.
func (n *net) closeInCore(ctx context.Context, ref uint64, site uint32, watch bool) (status, int32, bool, error) {
	state := atomic.LoadUint64(&n.slot.state)
	if !isLive(state, ref) {
		n.reuse(ref)
		if levelGet() == LevelAll {
			n.misuse(ReportDoubleClose, ref, statusOK)
		}
		return statusOK, 0, true, nil
	}
	k := n.kind()
	if state&stateTraced != 0 {
		traceClosed(n.bits(ref))
	}
	waited := uint32(0)
	for {
		identity := k.identity()
		r := bindClose(n.bits(ref), identity, site, watch)
		if r.status == statusBusy && identity != 0 && inCallback() {
			r = bindClose(n.bits(ref), identitySelf(), site, watch)
		}
		if r.status != statusBusy {
			if r.guard != 0 {
				guardLeft(r.guard)
			} else if waited != 0 {
				guardPass(waited)
			}
			n.reuse(ref)
			return r.status, r.code, r.ended, nil
		}
		if err := waitForGuard(ctx, r.guard); err != nil {
			return statusTimedOut, 0, false, failureOf("close", k, statusTimedOut, 0, err)
		}
		waited = r.guard
	}
}

// endings holds those who wait in CloseWait, by the handle's bits.
var endings struct {
	sync.Mutex
	waiters map[uint64][]chan result
}

// ended is the core's word that a watched object ended, or is open again.
func ended(bits uint64, s status, code int32) {
	endings.Lock()
	defer endings.Unlock()
	for _, waiter := range endings.waiters[bits] {
		waiter <- result{status: s, code: code}
	}
	delete(endings.waiters, bits)
}

func watchEnd(bits uint64) chan result {
	waiter := make(chan result, 1)
	endings.Lock()
	defer endings.Unlock()
	if endings.waiters == nil {
		endings.waiters = map[uint64][]chan result{}
	}
	endings.waiters[bits] = append(endings.waiters[bits], waiter)
	return waiter
}

func unwatchEnd(bits uint64, waiter chan result) {
	endings.Lock()
	defer endings.Unlock()
	waiters := endings.waiters[bits]
	for i, w := range waiters {
		if w == waiter {
			endings.waiters[bits] = append(waiters[:i:i], waiters[i+1:]...)
		}
	}
	if len(endings.waiters[bits]) == 0 {
		delete(endings.waiters, bits)
	}
}

// isEnding tells whether a Close is at freeing the object, which it closed by one
// compare-and-swap: nobody can ask to be told of its end any more.
func (n *net) isEnding(ref uint64) bool {
	return isPast(atomic.LoadUint64(&n.slot.state), ref) && atomic.LoadUint64(&n.slot.object) != 0
}

func (n *net) closeWait(ctx context.Context, ref uint64) error {
	defer runtime.KeepAlive(n)
	k := n.kind()
	bits := n.bits(ref)
	// Before the call, so that no end is missed.
	waiter := watchEnd(bits)
	defer unwatchEnd(bits, waiter)
	s, code, isKnown, err := n.closeInCore(ctx, ref, k.siteHere(), true)
	if err != nil {
		return err
	}
	if isKnown || s != statusOK {
		for n.isEnding(ref) {
			if ctx.Err() != nil {
				return failureOf("close", k, statusTimedOut, 0, context.Cause(ctx))
			}
			runtime.Gosched()
		}
		return k.ending("close", s, code)
	}
	select {
	case r := <-waiter:
		n.reuse(ref)
		return k.ending("close", r.status, r.code)
	case <-ctx.Done():
		return failureOf("close", k, statusTimedOut, 0, context.Cause(ctx))
	}
}
