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

// loan is a Loan without its type. used is the state that the return expects,
// one borrow above the one before; 0: returned.
type loan struct {
	net      *net
	used     uint64
	identity uint64 // of who holds the guard; 0: no guard, or a thread
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
		p = *(*P)(unsafe.Pointer(&l.net.slot.object))
	}
	return p
}

// Return gives the borrow back. The last one of a closed object destroys it,
// here; an error of that goes to the report. A Loan that came with an error
// needs no Return, and bears one.
func (l *loan) Return() {
	if !atomic.CompareAndSwapUint64(&l.net.slot.state, l.used, l.used-1) {
		l.leave()
	}
	l.used = 0
}
