// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// A net is the Go object that stands for a slot: every handle value of an
// object points at its net. When no handle is left, the collector finds the net
// dead, and its cleanup tells the core. See docs/internals/net.md.
type net struct {
	slot   *slot                // C memory
	group  *group               // C memory
	held   atomic.Pointer[kind] // the type of what is, or was last, in the slot
	parent *net                 // exact: keeps the net of the parent
	shadow shadow               // what the race detector sees
	index  uint32
	// Of the standing loan of what is, or was, in the slot: its record's number, 0, or
	// neverOf. The core writes it.
	lender  uint16
	borrows uint8 // until one asks for a standing loan: any goroutine writes it
}

// prepare gives a free slot what an object without kin has, so that own need
// not, and lets go of the parent.
func (n *net) prepare() {
	n.parent = nil
	t := n.slot
	t.parent, t.firstChild, t.next, t.previous, t.root = 0, 0, 0, 0, n.index
}

func (n *net) bit() uint64 { return 1 << (n.index % groupSlots) }

func (n *net) bits(ref uint64) uint64 { return ref&generationMask | uint64(n.index) }

func (n *net) kind() *kind { return n.held.Load() }

// hold says of what type the object is that moves into the free slot, if not of the last
// one's. Not before: until then, the slot remembers that one.
func (n *net) hold(k *kind) {
	n.held.Store(k)
	n.slot.kind = k.id
}

func (n *net) compareAndSwap(old, new uint64) bool {
	return atomic.CompareAndSwapUint64(&n.slot.state, old, new)
}

// isLive tells whether a state is that of the object a reference names.
func isLive(state, ref uint64) bool {
	return (state^ref)&generationMask == 0 && state&stateLive != 0
}

// isPast tells whether the object a reference names was the last one in its slot.
func isPast(state, ref uint64) bool {
	return state&stateLive == 0 && state&generationMask == ref&generationMask+generationUnit
}

// pointer turns a number from C memory into the pointer it is.
func pointer(number uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&number)) }

// dead is the cleanup of every net: first index and count in one word. It only
// pushes, since one slow cleanup would hold up all others.
func dead(which uint64) { bindDead(uint32(which), uint32(which>>32)) }

// newNet makes the armed net of one slot of an exact group.
func newNet(index uint32) *net {
	n := &net{slot: bindSlot(index), group: bindGroup(index), index: index}
	n.prepare()
	runtime.AddCleanup(n, dead, uint64(index)|1<<32)
	return n
}

// spill holds the exact nets that the stripes have no room for, and the slots
// that have no net yet.
var spill struct {
	sync.Mutex
	nets        []*net
	least       int // fewest nets since the last collection: what was not needed
	fresh, free uint32
}

// takeSpilled fills into with spilled nets and returns how many.
func takeSpilled(into []*net) int {
	spill.Lock()
	defer spill.Unlock()
	count := min(len(into), len(spill.nets))
	rest := len(spill.nets) - count
	copy(into, spill.nets[rest:])
	clear(spill.nets[rest:])
	spill.nets = spill.nets[:rest]
	spill.least = min(spill.least, rest)
	return count
}

func giveSpilled(nets []*net) {
	spill.Lock()
	defer spill.Unlock()
	spill.nets = append(spill.nets, nets...)
	armCollection()
}

// trimSpilled lets go of half the nets that were not needed since the last
// collection: they die, and their slots, marked as given back, are the core's.
func trimSpilled() {
	spill.Lock()
	defer spill.Unlock()
	rest := len(spill.nets) - (spill.least+1)/2
	for _, n := range spill.nets[rest:] {
		atomic.OrUint64(&n.group.returned, n.bit())
	}
	clear(spill.nets[rest:])
	spill.nets = spill.nets[:rest]
	spill.least = rest
}

// freshNet makes a net for a slot that has none; nil if there is no room.
func freshNet() (n *net, why status) {
	index := bindSingleTake()
	if index == 0 {
		spill.Lock()
		if spill.free == 0 {
			if spill.fresh, why = bindGroupTake(groupExact); why == statusOK {
				spill.free = groupSlots
			}
		}
		if spill.free > 0 {
			index = spill.fresh
			spill.fresh++
			spill.free--
		}
		spill.Unlock()
	}
	if index == 0 {
		return nil, why
	}
	return newNet(index), statusOK
}

// keep keeps a net whose slot is free for a later object. The stripe is current.
// False: its pool is full.
func (s *stripe) keep(n *net) bool {
	switch {
	case n.group == s.group:
		release64(&n.group.local, n.group.local|n.bit())
	case n.group.kind == groupShared:
		s.giveShared(n)
	default:
		return s.giveExact(n)
	}
	return true
}

// put keeps a net whose slot is free, and lets go of the stripe.
//
//go:noinline
func (s *stripe) put(n *net) {
	isKept := s.keep(n)
	s.unpin()
	if !isKept {
		keepExact(n)
	}
}
