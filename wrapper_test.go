// SPDX-License-Identifier: MIT

package belay

import (
	"runtime"
	"unsafe"

	"belay.example/belay/internal/goroutine"
)

// A wrapper's file, as TestSiteIsRemembered needs one.

func wrapperFile() string {
	_, file, _, _ := runtime.Caller(0)
	return file
}

// siteFrom asks for the site as own does.
//
//go:noinline
func siteFrom(k *kind) (uint32, chain) {
	hash := goroutine.Trace(unsafe.Pointer(&k))
	c := k.chain(hash)
	return k.siteOf(c), c
}

//go:noinline
func wrapOnce(k *kind) (uint32, chain) { return siteFrom(k) }

//go:noinline
func wrapTwice(k *kind) (uint32, chain) { return wrapOnce(k) }
