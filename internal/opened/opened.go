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

var (
	hook   atomic.Pointer[Hook]
	isEach atomic.Bool

	changing sync.Mutex
	isAll    bool
)

// Watch has the hook called from now on.
func Watch(h Hook) {
	changing.Lock()
	defer changing.Unlock()
	hook.Store(&h)
	isEach.Store(true)
}

// LookAtAll says whether package belay wants to look at each object itself.
func LookAtAll(is bool) {
	changing.Lock()
	defer changing.Unlock()
	isAll = is
	isEach.Store(isAll || hook.Load() != nil)
}

// IsEach tells whether somebody looks at each object that is opened.
func IsEach() bool { return isEach.Load() }

// Show calls the hook, if there is one. As in every program but a test there is none.
func Show(handle uint64, net unsafe.Pointer) {
	if h := hook.Load(); h != nil {
		(*h)(handle, net)
	}
}
