// SPDX-License-Identifier: MIT

// Package opened lets package belaytest see every object that package belay opens.
package opened

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// Hook is called with the handle of each object right after it was opened, on the goroutine
// that opened it, with no lock held. As long as the hook keeps net, the collector does not
// find the object forgotten.
type Hook func(handle uint64, net unsafe.Pointer)

// CreditBytes is how many bytes a shard of a type's counters opens before the core looks at
// the total.
const CreditBytes = 256 * 1024

var (
	hook  atomic.Pointer[Hook]
	limit atomic.Uint64

	changing sync.Mutex
	isEach   bool
)

func init() { limit.Store(CreditBytes) }

// Watch has the hook called from now on.
func Watch(h Hook) {
	changing.Lock()
	defer changing.Unlock()
	hook.Store(&h)
	limit.Store(0)
}

// LookAtEach says whether package belay wants to look at each object itself.
func LookAtEach(is bool) {
	changing.Lock()
	defer changing.Unlock()
	if isEach = is; isEach || hook.Load() != nil {
		limit.Store(0)
	} else {
		limit.Store(CreditBytes)
	}
}

// Limit is how many bytes a shard may have opened for an opening to be one of the many that
// nobody looks at: CreditBytes, or 0 if each is looked at.
func Limit() uint64 { return limit.Load() }

// Show calls the hook, if there is one. As in every program but a test there is none.
func Show(handle uint64, net unsafe.Pointer) {
	if h := hook.Load(); h != nil {
		(*h)(handle, net)
	}
}
