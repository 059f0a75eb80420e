// SPDX-License-Identifier: MIT

// Package peers is what people write today, and the C it calls.
package peers

/*
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>

static void empty(void) {}
static uintptr_t block(void) { return (uintptr_t)malloc(64); }
static int trivial(uintptr_t object) { return object == 1; }

// A destructor with nothing to do, for Belay.
__attribute__((weak)) int bench_trivial(void *context, void *object) {
	(void)context;
	return object == (void *)1;
}

// A destructor that waits at a gate, for Belay.
__attribute__((weak)) sem_t bench_at_gate; // all zero: nobody is there, it is shut
__attribute__((weak)) sem_t bench_gate;
int bench_wait_at_gate(void *context, void *object);
__attribute__((weak)) int bench_wait_at_gate(void *context, void *object) {
	(void)context;
	sem_post(&bench_at_gate);
	while (sem_wait(&bench_gate) != 0) {
	}
	free(object);
	return 0;
}
static int is_at_gate(void) { return sem_trywait(&bench_at_gate) == 0; }
static void open_gate(void) { sem_post(&bench_gate); }
*/
import "C"

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Block is a small C object.
type Block [64]byte

// Empty is a crossing and nothing else.
func Empty() { C.empty() }

// Malloc allocates a small object, the way people do it.
func Malloc() *Block { return (*Block)(C.malloc(64)) }

// MallocAddress allocates a small object, with no pointer to check.
func MallocAddress() uintptr { return uintptr(C.block()) }

// Free frees an object in a crossing of its own.
func Free(p *Block) { C.free(unsafe.Pointer(p)) }

// Trivial destroys nothing in a crossing of its own.
func Trivial(p *Block) { C.trivial(C.uintptr_t(uintptr(unsafe.Pointer(p)))) }

// TrivialC is the address of a C destructor with nothing to do.
func TrivialC() unsafe.Pointer { return unsafe.Pointer(C.bench_trivial) }

// WaitAtGateC is the address of a C destructor that waits at the gate: Go's
// scheduler, which takes up to a millisecond to wake who waits in a callback, is not
// part of what is timed then.
func WaitAtGateC() unsafe.Pointer { return unsafe.Pointer(C.bench_wait_at_gate) }

// IsAtGate tells, once for each, that one waits at the gate.
func IsAtGate() bool { return C.is_at_gate() != 0 }

// OpenGate lets one pass.
func OpenGate() { C.open_gate() }

// Hand is the hand-written wrapper: a Go struct that holds the C pointer.
type Hand struct {
	p       *Block
	cleanup runtime.Cleanup
	isSet   bool
}

// NewBare allocates without a net.
func NewBare() *Hand { return &Hand{p: Malloc()} }

// NewFinalized allocates with a finalizer.
func NewFinalized() *Hand {
	h := &Hand{p: Malloc()}
	runtime.SetFinalizer(h, (*Hand).Free)
	return h
}

// NewCleaned allocates with a cleanup.
func NewCleaned() *Hand {
	h := &Hand{p: Malloc()}
	h.cleanup = runtime.AddCleanup(h, Free, h.p)
	h.isSet = true
	return h
}

// Use touches the object.
func (h *Hand) Use() byte {
	if h.p == nil {
		return 0
	}
	b := h.p[0]
	runtime.KeepAlive(h)
	return b
}

// Free is the usual nil-checking Free of the bare and the cleaned wrapper.
func (h *Hand) Free() {
	if h.p == nil {
		return
	}
	if h.isSet {
		h.cleanup.Stop()
	}
	Free(h.p)
	h.p = nil
}

// FreeFinalized is Free of the finalized wrapper: the finalizer goes first.
func (h *Hand) FreeFinalized() {
	if h.p == nil {
		return
	}
	runtime.SetFinalizer(h, nil)
	h.Free()
}

// Freed counts what the collector had freed of the two below.
var Freed atomic.Uint64

// ForgetFinalized allocates n wrappers with finalizers that nobody closes.
//
//go:noinline
func ForgetFinalized(n int) {
	kept := make([]*Hand, n)
	for i := range kept {
		kept[i] = NewBare()
		runtime.SetFinalizer(kept[i], func(h *Hand) {
			h.Free()
			Freed.Add(1)
		})
	}
	runtime.KeepAlive(kept)
}

// ForgetCleaned allocates n wrappers with cleanups that nobody closes.
//
//go:noinline
func ForgetCleaned(n int) {
	kept := make([]*Hand, n)
	for i := range kept {
		kept[i] = NewBare()
		runtime.AddCleanup(kept[i], func(p *Block) {
			Free(p)
			Freed.Add(1)
		}, kept[i].p)
	}
	runtime.KeepAlive(kept)
}
