// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
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
	setTraceInterval()
}

// own puts an object into a slot. Where the lines stand is for speed: the walk up
// the stack tells the goroutine too, and a locked instruction waits for all before
// it, so that the lookups come after it, beside the stores.
func (k *kind) own(object unsafe.Pointer, options []OwnOption) (handle, error) {
	if k == nil || object == nil {
		return handle{}, failure("own", k, statusInvalid)
	}
	size := k.size
	if len(options) != 0 || !k.isFast {
		var isDone bool
		var h handle
		var err error
		if size, isDone, h, err = k.ownRest(object, options); isDone {
			return h, err
		}
	}
	self, hash := goroutine.Trace()
	s := stripeOf(self)
	if !s.tryLock() {
		s = lockNext(self)
	}
	if s.isTraceDue() {
		s.unlock()
		return k.ownTraced(object, size)
	}
	var n *net
	var why status
	if k.isShared {
		if s.ready != 0 {
			n, s.ready = s.readyNet(), 0
		} else if n = s.takeShared(); n == nil {
			n, why = s.refillShared()
		}
	} else if n = s.takeExact(); n == nil {
		n, why = s.refillExact()
	}
	if n == nil {
		s.unlock()
		return handle{}, failure("own", k, why)
	}
	// What a slot without kin has in its other fields was written by prepare.
	if n.kind() != k {
		n.hold(k)
	}
	t := n.slot
	t.object = uint64(uintptr(object))
	t.sizeBytes = size
	t.epoch = atomic.LoadUint32(epoch)
	counts := s.shard(k)
	counts.opened++
	counts.bytes += size
	unchecked := counts.unchecked + size + operationBytes
	counts.unchecked = unchecked
	c := k.chain(hash)
	cell := c.cell()
	openedMS := uint32(atomic.LoadUint64(clock))
	ref := t.state | stateLive
	if !cell.isOf(c) || openedMS == 0 || unchecked >= opened.Limit() || ref >= generationLast {
		return k.ownRare(s, n, c)
	}
	s.unlock()
	return n.open(ref, cell.site(), openedMS), nil
}

// ownRare opens an object whose slot is filled but for the line and the time.
//
//go:noinline
func (k *kind) ownRare(s *stripe, n *net, c chain) (handle, error) {
	isSpent, shard := s.shard(k).unchecked >= creditBytes, s.index
	s.unlock()
	site := k.siteOf(c)
	openedMS := uint32(atomic.LoadUint64(clock))
	if openedMS == 0 {
		openedMS = uint32(bindClockWake())
	}
	h := n.open(n.slot.state|stateLive, site, openedMS)
	h.ref = markLast(h.ref)
	if isSpent {
		bindFlush(k.id, shard)
	}
	n.show(h.ref)
	return h, nil
}

// open publishes the object in a slot that is filled.
func (n *net) open(ref uint64, site, openedMS uint32) handle {
	t := n.slot
	t.site = site
	t.openedMS = openedMS
	raceOwned(n)
	release64(&t.state, ref)
	return handle{n, ref | slowReference}
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

// ownRest opens an object that is not for the fast path. False: it is, with
// this size.
//
//go:noinline
func (k *kind) ownRest(object unsafe.Pointer, options []OwnOption) (size uint64, isDone bool, h handle, err error) {
	rest := ownOptions{size: k.size}
	for i := range options {
		if options[i].isSize {
			rest.size, rest.isSize = options[i].size, true
		} else if rest.parent = options[i].parent; rest.parent.net == nil {
			return 0, true, handle{}, failure("own", k, statusClosed)
		}
	}
	if rest.parent.net == nil && (k.isFast || rest.isSize && !k.isSlow) {
		return rest.size, false, handle{}, nil
	}
	h, err = k.ownSlow(object, rest, false)
	return 0, true, h, err
}

//go:noinline
func (k *kind) ownTraced(object unsafe.Pointer, size uint64) (handle, error) {
	return k.ownSlow(object, ownOptions{size: size, isSize: true}, true)
}

// ownSlow opens an object through the core: guarded ones, children, traced ones.
func (k *kind) ownSlow(object unsafe.Pointer, rest ownOptions, isTraced bool) (handle, error) {
	site := k.siteHere()
	s := lockStripe()
	isTraced = isTraced || s.isTraceDue()
	n, why := s.refillExact()
	s.unlock()
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
		s = lockStripe()
		s.giveExact(n)
		s.unlock()
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

// isTraceDue counts down to the next object whose stacks are kept.
func (s *stripe) isTraceDue() bool {
	if noReports {
		return false
	}
	s.untilTrace--
	if s.untilTrace != 0 {
		return false
	}
	s.untilTrace = bindTraceInterval()
	return true
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
		if c := n.chunk(); c.reclaim() {
			s := lockStripe()
			s.keepSpare(c)
			s.unlock()
		}
		return
	}
	if atomic.LoadUint64(&n.group.returned)&n.bit() == 0 ||
		atomic.AndUint64(&n.group.returned, ^n.bit())&n.bit() == 0 {
		return
	}
	raceDestroyed(n) // only now: before, the slot might be another object's already
	n.prepare()
	s := lockStripe()
	s.giveExact(n)
	s.unlock()
}
