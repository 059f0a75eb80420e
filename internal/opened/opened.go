// SPDX-License-Identifier: MIT

// Package opened lets package belaytest see every object that package belay opens.
package opened

import (
	"sync/atomic"
	"unsafe"
)

// Hook is called with the handle of each object right after it was opened, on the goroutine
// that opened it, with no lock held. As long as the hook keeps net, the collector does not
// find the object forgotten. Nil, as in every program but a test: nobody looks.
var Hook atomic.Pointer[func(handle uint64, net unsafe.Pointer)]
