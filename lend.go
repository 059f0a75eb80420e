// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"belay.example/belay/internal/goroutine"
)

// A goroutine that borrows one object again and again is lent it for good: it
// then counts its loans in a record of its own, without a locked instruction,
// until somebody needs the object idle. See docs/internals/lending.md.

// lenders are the core's records of such loans. Those with the numbers 0 and from
// lenderNever on are nobody's.
var lenders unsafe.Pointer

func init() { lenders = bindLenders() }

// neverOf is what a net has for a record's number when its object is lent to
// nobody: the core says so.
func neverOf(ref uint64) uint16 { return uint16(ref>>generationShift)%lenderNever + lenderNever }

// hasLender tells whether the net has the number of somebody's record. If not, a borrow
// must not look at the state first: what many share would come from another processor's
// cache twice, to be read and to be written.
func (n *net) hasLender() bool { return n.lender-1 < lenderNever-1 }

// isAskDue counts a borrow of the object as it was opened, and tells whether to ask
// for a standing loan. Not for an object that is lent to nobody: many may read its
// net, and a note would cost them all.
func (n *net) isAskDue(ref uint64) bool {
	return goroutine.HasDescriptor && n.lender != neverOf(ref) && n.isAskDueShared()
}

// isAskDueShared is that for an object that is lent to another. Any goroutine counts,
// unguarded: one too few or too many does no harm.
func (n *net) isAskDueShared() bool {
	n.borrows++
	return n.borrows == 0
}

// self is the identity of the running goroutine.
func self() uint64 { return uint64(goroutine.Identity()) | identityForeign }

// lentBy is the record of the object's standing loan, or nobody's. To be called after
// a look at a state that has LENT, before which the number was written.
func (n *net) lentBy() *lender {
	return (*lender)(unsafe.Add(lenders, uintptr(n.lender)*unsafe.Sizeof(lender{})))
}

func (l *lender) address() uint64 { return uint64(uintptr(unsafe.Pointer(l))) }

func (l *lender) number() uint32 {
	return uint32((l.address() - uint64(uintptr(lenders))) / uint64(unsafe.Sizeof(*l)))
}

func (l *loan) lender() *lender { return (*lender)(pointer(uintptr(l.back))) }

// ask asks for a standing loan, with a borrow in hand: the first of it, maybe.
//
//go:noinline
func (n *net) ask(ref uint64, counted loan) loan {
	if bindLend(n, ref, self()) {
		return loan{n, &n.slot.state, ref | stateLent, n.lentBy().address()}
	}
	return counted
}

// untake takes a loan back that was counted when the object was not lent any more.
//
//go:noinline
func (n *net) untake(l *lender, used uint64) {
	release64(&l.lent, l.lent-1)
	n.settleLent(l, used)
}

// leaveLent gives back a loan, whoever took it.
//
//go:noinline
func (l *loan) leaveLent(me uint64) {
	n, by, used := l.net, l.lender(), l.used
	defer runtime.KeepAlive(n)
	switch {
	case by.self != me:
		bindReturnLent(n.bits(used), by.number(), me, n.kind().siteHere())
		n.reuse(used)
	case atomic.LoadUint64(&by.handle) == n.bits(used) && by.lent != atomic.LoadUint64(&by.foreign):
		n.untake(by, used)
	default:
		n.misuse(ReportDoubleReturn, used, statusNotBorrowed)
	}
}

// settleLent gives the borrow back that a recalled standing loan became, if none
// of its loans is out any more.
//
//go:noinline
func (n *net) settleLent(l *lender, used uint64) {
	defer runtime.KeepAlive(n)
	bindSettleLent(n.bits(used), l.number(), self(), n.kind().siteHere())
	n.reuse(used)
}
