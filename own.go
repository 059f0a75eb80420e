// SPDX-License-Identifier: MIT

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
	startStripes()
}

// now is the coarse clock, awake.
func now() uint32 {
	if ms := atomic.LoadUint64(clock); ms != 0 {
		return uint32(ms)
	}
	return uint32(bindClockWake())
}

// own puts an object into a slot.
func (k *kind) own(object unsafe.Pointer, options []OwnOption) (handle, error) {
	if k == nil || object == nil {
		return handle{}, failure("own", k, statusInvalid)
	}
	size, isSize, parent := k.size, false, handle{}
	for i := range options {
		if options[i].isSize {
			size, isSize = options[i].size, true
		} else {
			parent = options[i].parent
			if parent.net == nil {
				return handle{}, failure("own", k, statusClosed)
			}
		}
	}
	self, hash := goroutine.Trace()
	site := k.site(hash)
	if k.isSlow || parent.net != nil || (k.sizeOf != nil && !isSize) {
		return k.ownSlow(object, size, isSize, parent, site, false)
	}
	s := lockStripe(self)
	if s.isTraceDue() {
		s.unlock()
		return k.ownSlow(object, size, isSize, parent, site, true)
	}
	var n *net
	if k.isShared {
		if n = s.takeShared(); n == nil {
			n = s.refillShared()
		}
	} else if n = s.takeExact(); n == nil {
		n = s.refillExact()
	}
	if n == nil {
		s.unlock()
		return handle{}, k.noRoom()
	}
	t := n.slot
	t.object = uint64(uintptr(object))
	t.sizeBytes = size
	t.openedMS = uint32(atomic.LoadUint64(clock))
	t.kind = k.id
	t.parent = 0
	t.site = site
	t.epoch = atomic.LoadUint32(epoch)
	t.firstChild = 0
	t.next = 0
	t.previous = 0
	t.root = n.index
	ref := t.state&generationMask | stateLive
	isSpent := s.opened(k, size)
	shard := s.index
	s.unlock()
	if t.openedMS == 0 {
		t.openedMS = now()
	}
	raceOwned(n)
	release64(&t.state, ref)
	if isSpent {
		bindFlush(k.id, shard)
	}
	if opened.Hook.Load() != nil {
		n.show(ref)
	}
	return handle{n, ref | slowReference}, nil
}

// show has a test's leak check see an object that was just opened.
func (n *net) show(ref uint64) {
	if hook := opened.Hook.Load(); hook != nil {
		(*hook)(n.bits(ref), unsafe.Pointer(n))
	}
}

// ownSlow opens an object through the core: guarded ones, children, traced ones.
func (k *kind) ownSlow(object unsafe.Pointer, size uint64, isSize bool, parent handle, site uint32, isTraced bool) (handle, error) {
	s := lockStripe(goroutine.Identity())
	isTraced = isTraced || s.isTraceDue()
	n := s.refillExact()
	s.unlock()
	if n == nil {
		return handle{}, k.noRoom()
	}
	var flags, parentBits uint64
	if isTraced {
		flags = stateTraced
	}
	n.parent = parent.net
	if parent.net != nil {
		parentBits = parent.net.bits(parent.ref)
	}
	raceOwned(n)
	r := bindOwn(n.index, k.id, uintptr(object), size, parentBits, site, flags)
	if r.status != statusOK {
		n.parent = nil
		s = lockStripe(goroutine.Identity())
		s.giveExact(n)
		s.unlock()
		return handle{}, failure("own", k, r.status)
	}
	ref := r.value&generationMask | stateLive | flags
	if parent.net != nil {
		ref |= stateKin
	}
	if isTraced {
		traceOpened(n.bits(ref))
	}
	n.show(ref)
	h := handle{n, ref | slowReference}
	if k.sizeOf != nil && !isSize {
		// Under the guard; the object is good even when this fails.
		_ = h.Measure()
	}
	return h, nil
}

func (k *kind) noRoom() error {
	return failure("own", k, statusTableFull)
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

// retire counts an object that is gone, whose state says so already, and keeps
// its net for the next one.
func (n *net) retire(k *kind, self uintptr, site uint32) {
	t := n.slot
	t.object = 0
	t.epoch = site
	bytes := t.sizeBytes
	raceDestroyed(n)
	s := lockStripe(self)
	isSpent := s.gone(k, bytes)
	shard := s.index
	if n.group.kind == groupExact {
		s.giveExact(n)
	} else {
		s.giveShared(n)
	}
	s.unlock()
	if isSpent {
		bindFlush(k.id, shard)
	}
}

// settle ends an object that this goroutine claimed and destroyed well.
func (n *net) settle(k *kind, ref uint64, self uintptr, site uint32) {
	if n.compareAndSwap(ref|stateClosed|stateDying, ref&generationMask+generationUnit) {
		n.retire(k, self, site)
		return
	}
	// Someone began to wait for the end meanwhile.
	bindSettle(n.bits(ref), site, 0)
	n.reuse(ref)
}

// reuse keeps the net of an object that the core ended for the next one, if no
// one else did.
func (n *net) reuse(ref uint64) {
	state := atomic.LoadUint64(&n.slot.state)
	if (state^ref)&generationMask == 0 || state&stateLive != 0 {
		return
	}
	raceDestroyed(n)
	if n.group.kind == groupShared {
		if c := n.chunk(); c.reclaim() {
			s := lockStripe(goroutine.Identity())
			s.keepSpare(c)
			s.unlock()
		}
		return
	}
	if atomic.LoadUint64(&n.group.returned)&n.bit() == 0 ||
		atomic.AndUint64(&n.group.returned, ^n.bit())&n.bit() == 0 {
		return
	}
	n.parent = nil
	s := lockStripe(goroutine.Identity())
	s.giveExact(n)
	s.unlock()
}
