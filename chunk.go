// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"math/bits"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// chunk is 64 nets that live and die together: a shared net.
type chunk struct{ nets [groupSlots]net }

// chunk returns the chunk that a shared net is part of.
func (n *net) chunk() *chunk {
	return (*chunk)(unsafe.Add(unsafe.Pointer(n), -int(n.index%groupSlots)*int(unsafe.Sizeof(net{}))))
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

// Where a stripe keeps a chunk that is not in use: in one place, since a spare in use
// would never die.
const (
	placeNone  = iota // none: it is in use, or has no free slot, or there was no room
	placeAside        // until a collection begins
	placeSpare
)

// keepSpare keeps a whole chunk, if there is room. Else it dies, and the core
// has its group back.
func (s *stripe) keepSpare(c *chunk) {
	if s.spareCount < len(s.spares) {
		s.spares[s.spareCount] = c
		s.spareCount++
		c.nets[0].group.place = placeSpare
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

// turnTo makes a chunk the one in use. The one before has no free slot.
func (s *stripe) turnTo(c *chunk) {
	s.nets, s.group = uintptr(unsafe.Pointer(c)), s.know(c)
}

// know has a collection that runs keep a chunk whose address the stripe keeps: its handles
// may be gone before the collector looks at them.
func (s *stripe) know(c *chunk) *group {
	g := c.nets[0].group
	if g.seen != s.renewed {
		s.shade(c)
		g.seen, g.place = s.renewed, placeNone
	}
	return g
}

// putAside keeps a chunk with free slots for later.
func (s *stripe) putAside(c *chunk) {
	g := s.know(c)
	switch {
	case g.place != placeNone:
	case g.local == ^uint64(0) && s.spareCount < len(s.spares):
		s.keepSpare(c)
	case s.asideCount < len(s.aside):
		s.aside[s.asideCount] = uintptr(unsafe.Pointer(c))
		s.asideCount++
		g.place = placeAside
	}
}

// adopt turns to a chunk of which no slot is in use, and has it from then on: others
// give slots of it back, but only this stripe hands them out.
func (s *stripe) adopt(c *chunk) {
	g := c.nets[0].group
	g.reused, g.place = 0, placeNone
	atomic.StoreUint32(&g.owner, s.index)
	s.turnTo(c)
}

// refillShared takes a slot of the next chunk. It may give back another stripe, for
// it lets go of this one meanwhile. nil: there is no room.
func (s *stripe) refillShared() (*net, *stripe, status) {
	for {
		if g := s.group; g != nil {
			if g.local == 0 && atomic.LoadUint64(&g.returned) != 0 && g.mayReuse(s) {
				g.local = atomic.SwapUint64(&g.returned, 0)
			}
			if g.local != 0 {
				return s.takeLocal(), s, statusOK
			}
			s.nets, s.group = 0, nil
		}
		if s.asideCount > 0 {
			s.asideCount--
			c := (*chunk)(pointer(s.aside[s.asideCount]))
			c.nets[0].group.place = placeNone
			s.turnTo(c)
			continue
		}
		if s.spareCount > 0 {
			s.spareCount--
			s.adopt(s.spares[s.spareCount])
			s.spares[s.spareCount] = nil
			continue
		}
		if whole := atomic.SwapUintptr(&s.whole, 0); whole != 0 {
			// Unless it was used again meanwhile. No spare: there are none left, nor aside.
			if c := (*chunk)(pointer(whole)); c.nets[0].group.isWhole() {
				s.adopt(c)
			}
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

// A chunk is used again at will, but not for ever, or one forgotten object would stay
// hidden among those that come and go: at most reusedMax times, and reusedEach less for
// each collection that saw it, then it is left to become whole.
const (
	reusedMax  = 1024
	reusedEach = 64
)

// mayReuse counts a reuse of a chunk that the stripe has. False: no more.
func (g *group) mayReuse(s *stripe) bool {
	if g.reused >= reusedMax {
		return false
	}
	g.reused++
	if g.seen != s.renewed {
		g.reused += reusedEach - 1
	}
	return true
}

// giveShared gives back a slot of another chunk than the one in use: to who has that
// chunk. If this stripe does, and no slot is free in the one in use, it turns to it: what was
// just closed is at hand in the processor's cache.
func (s *stripe) giveShared(n *net) {
	c, g := n.chunk(), n.group
	if owner := atomic.LoadUint32(&g.owner); owner != s.index {
		atomic.OrUint64(&g.returned, n.bit())
		s.tellWhole(c, owner)
		return
	}
	release64(&g.local, g.local|n.bit())
	if g.isWhole() {
		g.reused = 0
	} else if !g.mayReuse(s) {
		return
	}
	if s.hasLocal() {
		s.putAside(c)
		return
	}
	s.turnTo(c)
}

// isWhole tells whether all slots are free.
func (g *group) isWhole() bool {
	return atomic.LoadUint64(&g.returned)|atomic.LoadUint64(&g.local) == ^uint64(0)
}

// tellWhole tells the stripe that has a chunk that it is whole.
func (s *stripe) tellWhole(c *chunk, owner uint32) {
	if c.nets[0].group.isWhole() {
		s.shade(c)
		atomic.StoreUintptr(&stripes[owner].whole, uintptr(unsafe.Pointer(c)))
	}
}

// shade has a collection that runs keep a chunk: what is left in it may be forgotten, and
// the handle that was closed in it on a stack that the collector has not looked at yet.
// What is stored where there can be pointers, it sees at once.
func (s *stripe) shade(c *chunk) {
	atomic.StorePointer(&s.shaded, unsafe.Pointer(c))
	atomic.StorePointer(&s.shaded, nil)
}
