// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"sync/atomic"
	"unsafe"
)

// Loan is a borrow of an object, from [Owned.Borrow]. Return it once, from the
// variable it was put into:
//
//	b, err := db.Borrow()
//	if err != nil { … }
//	defer b.Return()
//	use(b.Ptr())
//
// A second Return of the variable is refused and reported. Don't copy a Loan
// (go vet says so): a copy could return twice.
type Loan[P any] struct {
	_ noCopy
	loan
}

// loan is a Loan without its type. What Return reads is so little that the
// compiler inlines it.
type loan struct {
	net   *net
	state *uint64 // of its slot, whose first word it is
	used  uint64  // the state that the return expects, without a count: part of a standing loan; 0: returned
	back  uint64  // the state that it leaves; SLOW in used: who holds the guard, 0: a thread; of a standing loan: its record
}

// noCopy makes go vet complain of copies.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Ptr returns the object, good until Return; nil after it, and from a Loan that
// came with an error.
func (l *Loan[P]) Ptr() (p P) {
	if l.used != 0 {
		raceUse(l.net)
		p = *(*P)(unsafe.Pointer(&l.slot().object))
	}
	return p
}

func (l *loan) slot() *slot { return (*slot)(unsafe.Pointer(l.state)) }

// Return gives the borrow back. The last one of a closed object destroys it,
// here; an error of that goes to the report. A Loan that came with an error
// needs no Return, and bears one.
func (l *loan) Return() {
	if l.used&stateCount == 0 || !atomic.CompareAndSwapUint64(l.state, l.used, l.back) {
		l.leave()
	}
	l.used = 0
}

// returnHere is Return on the goroutine that borrowed, once: it need not ask who it
// is. The rest is as in leave.
func (l *loan) returnHere() {
	if state, used := l.state, l.used; used&stateCount == 0 {
		by := l.lender()
		if atomic.LoadUint64(state) == used && by.lent != atomic.LoadUint64(&by.foreign) {
			release64(&by.lent, by.lent-1)
			if atomic.LoadUint64(state) != used {
				l.net.settleLent(by, used)
			}
			return
		}
	}
	l.Return()
}
