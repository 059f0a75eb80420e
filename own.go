// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"errors"
	"sync/atomic"
	"unsafe"

	"belay.example/belay/internal/goroutine"
	"belay.example/belay/internal/opened"
)

var (
	clock *uint64 // of the ledger: milliseconds, 0 while it sleeps
	epoch *uint32
)

func init() {
	start()
	clock, epoch = bindClock(), bindEpoch()
	startSites()
	setTraces()
}

var (
	errNoType    = errors.New("the Type is the zero value: make one with NewType")
	errNoPointer = errors.New("the pointer is nil")
	errNoParent  = errors.New("the parent is the zero Owned")
)

// refuse is the error of an own without a type or a pointer.
func (k *kind) refuse() error {
	cause := errNoPointer
	if k == nil {
		cause = errNoType
	}
	return failureOf("own", k, statusInvalid, 0, cause)
}

// own puts an object into a slot. This is for the many; what is not one of them goes
// another way. Between pin and unpin nothing is called, no instruction is locked, and
// little is stored, which is what it costs: the compare-and-swap of the next Close
// waits for every line that was written. Cases stand where conditions could: of those, the
// compiler makes a word, and tests it again. Not inlined, as a profile would have it:
// Trace reads the frame.
//
//go:noinline
func (k *kind) own(object unsafe.Pointer, options []OwnOption) (handle, error) {
	if k == nil || object == nil {
		return handle{}, k.refuse()
	}
	if len(options) != 0 || !k.isFast {
		return k.ownRest(object, options, k.chain(goroutine.Trace(unsafe.Pointer(&k))))
	}
	s := pinFast()
	var n *net
	switch {
	case hasBegun(), s.seen != atomic.LoadUint32(&news):
	case !k.isShared:
		if s.pooled != 0 {
			n = s.takeExact()
		}
	case s.hasLocal():
		n = s.takeLocal()
	}
	if n == nil {
		procUnpin()
		return k.ownNext(object, k.size, k.chain(goroutine.Trace(unsafe.Pointer(&k))))
	}
	counts := s.shard(k)
	counts.opened++
	c := k.chain(goroutine.Trace(unsafe.Pointer(&k)))
	cell := c.cell()
	openedMS := uint32(atomic.LoadUint64(clock))
	ref := n.slot.state | stateLive
	switch {
	case counts.isSpent(), opened.IsEach(), !cell.isOf(c), openedMS == 0, ref >= generationLast:
		return k.ownCounted(s, n, object, k.size, c)
	}
	if n.kind() != k {
		n.hold(k)
	}
	n.fill(object, k.size)
	n.open(ref, cell.site(), openedMS)
	procUnpin()
	return handle{n, ref}, nil
}

// ownNext opens an object that needs nothing of the core, in any free slot.
//
//go:noinline
func (k *kind) ownNext(object unsafe.Pointer, size uint64, c chain) (handle, error) {
	n, s, why := pin().take(k)
	if n == nil {
		s.unpin()
		return handle{}, failure("own", k, why)
	}
	counts := s.shard(k)
	counts.opened++
	if size != k.size {
		k.countMore(counts, size)
	}
	return k.ownCounted(s, n, object, size, c)
}

// fill puts an object into a free slot. What one without kin has in the other fields
// was written by prepare.
func (n *net) fill(object unsafe.Pointer, size uint64) {
	t := n.slot
	t.object = uint64(uintptr(object))
	t.sizeBytes = size
	t.epoch = atomic.LoadUint32(epoch)
}

// ownCounted opens an object that is counted, whatever else it is.
//
//go:noinline
func (k *kind) ownCounted(s *stripe, n *net, object unsafe.Pointer, size uint64, c chain) (handle, error) {
	isSpent, shard := s.shard(k).isSpent(), s.index
	if isTraced(isSpent) {
		return k.ownTraced(s, n, object, size, isSpent)
	}
	s.unpin()
	site := k.siteOf(c)
	openedMS := uint32(atomic.LoadUint64(clock))
	if openedMS == 0 {
		openedMS = uint32(bindClockWake())
	}
	if n.kind() != k {
		n.hold(k)
	}
	n.fill(object, size)
	ref := n.slot.state | stateLive
	n.open(ref, site, openedMS)
	if isSpent {
		bindFlush(k.id, shard)
	}
	n.show(ref)
	return handle{n, markLast(ref) | slowReference}, nil
}

// ownTraced opens a counted object by way of the core after all, in another slot: this
// one goes back as it is.
func (k *kind) ownTraced(s *stripe, n *net, object unsafe.Pointer, size uint64, isSpent bool) (handle, error) {
	counts, shard := s.shard(k), s.index
	counts.opened--
	counts.moreBytes -= size - k.size
	s.put(n)
	if isSpent {
		bindFlush(k.id, shard)
	}
	return k.ownSlow(object, ownOptions{size: size, isSize: true}, true)
}

// open publishes the object in a slot that is filled.
func (n *net) open(state uint64, site, openedMS uint32) {
	t := n.slot
	t.site = site
	t.openedMS = openedMS
	raceOwned(n)
	release64(&t.state, state)
}

// markLast marks a reference of the last generation, so that no Close in Go takes
// its object for a plain one: the slot is for the core to retire.
func markLast(ref uint64) uint64 {
	if ref >= generationLast {
		ref |= referenceLast
	}
	return ref
}

// show has a test's leak check see an object that was just opened.
func (n *net) show(ref uint64) { opened.Show(n.bits(ref), unsafe.Pointer(n)) }

// ownOptions is what the options of Own said.
type ownOptions struct {
	size   uint64
	parent handle
	isSize bool
}

// ownRest opens an object that is not one of the many from the start.
//
//go:noinline
func (k *kind) ownRest(object unsafe.Pointer, options []OwnOption, c chain) (handle, error) {
	rest := ownOptions{size: k.size}
	for i := range options {
		if options[i].isSize {
			rest.size, rest.isSize = options[i].size, true
		} else if rest.parent = options[i].parent; rest.parent.net == nil {
			return handle{}, failureOf("own", k, statusClosed, 0, errNoParent)
		}
	}
	if rest.parent.net == nil && (k.isFast || rest.isSize && !k.isSlow) {
		return k.ownNext(object, rest.size, c)
	}
	return k.ownSlow(object, rest, isTraced(slowOpened.Add(1)%traceInterval == 0))
}

// slowOpened counts what was opened through the core without being traced for it.
var slowOpened atomic.Uint32

// ownSlow opens an object through the core: guarded ones, children, traced ones.
func (k *kind) ownSlow(object unsafe.Pointer, rest ownOptions, isTraced bool) (handle, error) {
	site := k.siteHere()
	n, s, why := pin().refillExact()
	s.unpin()
	if n == nil {
		return handle{}, failure("own", k, why)
	}
	var flags, parent uint64
	if isTraced {
		flags = stateTraced
	}
	if n.parent = rest.parent.net; n.parent != nil {
		parent = n.parent.bits(rest.parent.ref)
	}
	raceOwned(n)
	// Before, since a parent that ends meanwhile ends the object too, and its slot may
	// be another one's when the call returns.
	n.held.Store(k)
	r := bindOwn(n.index, k.id, uintptr(object), rest.size, parent, site, flags)
	if r.status != statusOK {
		n.held.Store(kinds[n.slot.kind].Load()) // which the core wrote, or did not
		n.prepare()
		keepExact(n)
		return handle{}, failure("own", k, r.status)
	}
	ref := r.value&generationMask | stateLive | flags
	if parent != 0 {
		ref |= stateKin
	}
	if isTraced {
		traceOpened(n.bits(ref))
	}
	n.show(ref)
	h := handle{n, markLast(ref) | slowReference}
	if k.sizeOf != nil && !rest.isSize {
		// Under the guard; the object is good even when this fails.
		_ = h.Measure()
	}
	return h, nil
}

// ended publishes the end of an object that this goroutine claimed and
// destroyed well. False: someone began to wait for the end meanwhile, and the
// core did all that is to do.
func (n *net) ended(ref uint64) bool {
	if n.compareAndSwap(ref|stateClosed|stateDying, ref&generationMask+generationUnit) {
		return true
	}
	bindSettle(n.bits(ref), n.kind().siteHere(), 0)
	n.reuse(ref)
	return false
}

// reuse keeps the net of an object that the core ended for the next one, if no
// one else did.
func (n *net) reuse(ref uint64) {
	state := atomic.LoadUint64(&n.slot.state)
	if (state^ref)&generationMask == 0 || state&stateLive != 0 {
		return
	}
	if n.group.kind == groupShared {
		// The core gave the slot back.
		if n.group.isWhole() {
			s := pin()
			s.tellWhole(n.chunk(), atomic.LoadUint32(&n.group.owner))
			s.unpin()
		}
		return
	}
	if atomic.LoadUint64(&n.group.returned)&n.bit() == 0 ||
		atomic.AndUint64(&n.group.returned, ^n.bit())&n.bit() == 0 {
		return
	}
	raceDestroyed(n) // only now: before, the slot might be another object's already
	n.prepare()
	keepExact(n)
}
