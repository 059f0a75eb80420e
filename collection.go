// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// A stripe must not keep the shared net that it hands out from: the objects in it
// that are forgotten would be found one collection late. So it knows the net only by
// address, which is good as long as no collection has begun since: a net that was
// alive then still is. None begins while a goroutine is pinned to its processor, so
// that it is enough to ask after pinning.
//
// The runtime says that one begins only to sync.Pool: it empties all pools while the
// world is stopped. So there is one that nothing is ever taken from, and its first
// word, its content for each processor, is nil once a collection has begun.

var (
	collections sync.Pool
	poolToken   = new([2]uint64)
	awaiting    sync.Mutex

	// news counts the collections that were noticed.
	news uint32 = 1

	// canTell: sync.Pool is what it was up to Go 1.27. Else each object has a net of its
	// own, since shared ones need to know.
	canTell = poolIsKnown()
)

func poolIsKnown() bool {
	local, ok := reflect.TypeFor[sync.Pool]().FieldByName("local")
	return ok && local.Offset == 0 && local.Type == reflect.TypeFor[unsafe.Pointer]()
}

// hasBegun tells whether a collection has begun since the last [await].
func hasBegun() bool {
	return atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(&collections))) == nil
}

// await is news: what was known of nets before is old, and hasBegun is false until the
// next collection begins. The count is first: who sees the pool full sees it too.
func await() {
	awaiting.Lock()
	defer awaiting.Unlock()
	if hasBegun() && canTell {
		count := atomic.AddUint32(&news, 1)
		collections.Put(poolToken)
		runtime.AddCleanup(new(sentinel), checkNoticed, count)
	}
}

// checkNoticed runs after the first collection since news was count. A pool that tells
// nothing, of another version of Go or with another cleanup, would have stripes hand out
// dead nets: rather no program than one with memory that is another's.
func checkNoticed(count uint32) {
	if !hasBegun() && atomic.LoadUint32(&news) == count {
		panic("belay: sync.Pool did not tell of a collection")
	}
}

var collectionArmed atomic.Bool

// sentinel dies in every collection; it is large enough not to share its memory.
type sentinel struct{ _ [4]uintptr }

// armCollection has spilled nets trimmed after each collection from now on.
func armCollection() {
	if collectionArmed.CompareAndSwap(false, true) {
		runtime.AddCleanup(new(sentinel), onCollection, 0)
	}
}

func onCollection(int) {
	trimSpilled()
	collectionArmed.Store(false)
	armCollection()
}
