// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"math/bits"
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

// chunk is 64 nets that live and die together: a shared net.
type chunk struct{ nets [groupSlots]net }

// chunk returns the chunk that a shared net is part of.
func (n *net) chunk() *chunk {
	return (*chunk)(unsafe.Add(unsafe.Pointer(n), -int(n.index%groupSlots)*int(unsafe.Sizeof(net{}))))
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

// newChunk makes a shared net of 64 fresh slots; nil if there is no room.
func newChunk() (*chunk, status) {
	first, why := bindGroupTake(groupShared)
	if why != statusOK {
		return nil, why
	}
	c := new(chunk)
	s, g := bindSlot(first), bindGroup(first)
	for i := range c.nets {
		c.nets[i] = net{
			slot:  (*slot)(unsafe.Add(unsafe.Pointer(s), i*int(unsafe.Sizeof(slot{})))),
			group: g,
			index: first + uint32(i),
		}
		c.nets[i].prepare()
	}
	// As after use: a chunk that no stripe has room for dies, and the core looks here.
	atomic.StoreUint64(&g.returned, ^uint64(0))
	runtime.AddCleanup(c, dead, uint64(first)|groupSlots<<32)
	return c, statusOK
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

// detach gives up the stripe's chunk, which has no free slot. Who gives its last slot
// back takes it.
func (s *stripe) detach() {
	c, g := (*chunk)(pointer(s.nets)), s.group
	s.nets, s.group = 0, nil
	atomic.StoreUint32(&g.detached, 1)
	// It may have become whole between the check and the store.
	if c.reclaim() {
		s.keepSpare(c)
	}
}

// take takes a detached chunk. Only one caller gets it.
func (c *chunk) take() bool { return atomic.CompareAndSwapUint32(&c.nets[0].group.detached, 1, 0) }

// reclaim takes a detached chunk that is whole.
func (c *chunk) reclaim() bool {
	g := c.nets[0].group
	isTaken := atomic.LoadUint64(&g.returned) == ^uint64(0) && c.take()
	if isTaken {
		atomic.StoreUint32(&g.reused, 0)
	}
	return isTaken
}

// keepSpare keeps a whole chunk, if there is room. Else it dies, and the core
// has its group back.
func (s *stripe) keepSpare(c *chunk) {
	if s.spareCount < len(s.spares) {
		s.spares[s.spareCount] = c
		s.spareCount++
	}
}

// hasLocal tells whether the stripe's chunk has a free slot at hand.
func (s *stripe) hasLocal() bool { return s.group != nil && s.group.local != 0 }

// takeLocal takes a free slot of the stripe's chunk, which has one at hand.
func (s *stripe) takeLocal() *net {
	local := s.group.local
	s.group.local = local & (local - 1)
	return (*net)(pointer(s.nets + uintptr(bits.TrailingZeros64(local))*unsafe.Sizeof(net{})))
}

// adopt makes a chunk that was taken the stripe's own.
func (s *stripe) adopt(c *chunk) {
	g := c.nets[0].group
	g.local |= atomic.SwapUint64(&g.returned, 0)
	s.nets, s.group = uintptr(unsafe.Pointer(c)), g
}

// refillShared takes a slot of the next chunk. It may give back another stripe, for
// it lets go of this one meanwhile. nil: there is no room.
func (s *stripe) refillShared() (*net, *stripe, status) {
	for {
		if g := s.group; g != nil {
			if g.local == 0 {
				g.local = atomic.SwapUint64(&g.returned, 0)
			}
			if g.local != 0 {
				return s.takeLocal(), s, statusOK
			}
			s.detach()
		}
		if s.halfCount > 0 {
			s.halfCount--
			if c := (*chunk)(pointer(s.halves[s.halfCount])); c.take() {
				atomic.AddUint32(&c.nets[0].group.reused, 1)
				s.adopt(c)
			}
			continue
		}
		if s.spareCount > 0 {
			s.spareCount--
			s.adopt(s.spares[s.spareCount])
			s.spares[s.spareCount] = nil
			continue
		}
		s.unpin()
		c, why := newChunk()
		s = pin()
		if c == nil {
			return nil, s, why
		}
		s.keepSpare(c)
	}
}

// keep keeps a net whose slot is free for a later object. The stripe is current.
// False: its pool is full.
func (s *stripe) keep(n *net) bool {
	switch {
	case n.group == s.group:
		n.group.local |= n.bit()
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

// reusedMax is how often a chunk is used again while half of it lives, before it is left
// to become whole: with no end to it, one forgotten object would stay hidden among those
// that come and go.
const reusedMax = 3

// giveShared gives back a slot of another chunk than the stripe's. A chunk of which half
// is free is noted, so that what is opened and closed in any order stays together.
func (s *stripe) giveShared(n *net) {
	c, g := n.chunk(), n.group
	returned := atomic.OrUint64(&g.returned, n.bit()) | n.bit()
	if returned == ^uint64(0) && c.reclaim() {
		s.keepSpare(c)
	} else if bits.OnesCount64(returned) == groupSlots/2 && atomic.LoadUint32(&g.reused) < reusedMax &&
		s.halfCount < len(s.halves) {
		s.shade(c)
		s.halves[s.halfCount] = uintptr(unsafe.Pointer(c))
		s.halfCount++
	}
}

// shade has a collection that runs keep a chunk: what is left in it may be forgotten, and
// the handle that was closed in it on a stack that the collector has not looked at yet.
// What is stored where there can be pointers, it sees at once.
func (s *stripe) shade(c *chunk) {
	atomic.StorePointer(&s.shaded, unsafe.Pointer(c))
	atomic.StorePointer(&s.shaded, nil)
}
