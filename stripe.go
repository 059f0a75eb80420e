// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

const (
	ownStripes    = 48 // one each for the first processors
	sharedStripes = 16 // for the rest of them, with a lock
	stripeCount   = ownStripes + sharedStripes
	poolSize      = 64
)

// stripe holds free nets, and writes one shard of every type's counters. Who pins
// it has it alone, for a few stores: a goroutine that is pinned to its processor
// neither stops nor moves, and no collection begins.
type stripe struct {
	lock       uint32  // of a shared one, and under the race detector
	index      uint32  // and the number of its shard
	shards     uintptr // where its shard is in a type's counters
	seen       uint32  // the news it has; a shared one has none, so that no fast path takes it
	renewed    uint32  // the same, of a shared one
	nets       uintptr // the shared net in use: good until a collection begins
	group      *group  // and its group
	pooled     int
	asideCount int
	aside      [16]uintptr // chunks with free slots, for later: good for as long as nets
	shaded     unsafe.Pointer
	spareCount int
	spares     [4]*chunk // wholly free
	pool       [poolSize]*net
	whole      uintptr   // a chunk of this stripe of which others gave the last slot back
	_          [272]byte // to a power of two: the index is then a shift
}

var stripes [stripeCount]stripe

func init() {
	for i := range stripes {
		stripes[i].index, stripes[i].shards = uint32(i), uintptr(i)*unsafe.Sizeof(shard{})
	}
}

// procPin keeps the goroutine on its processor, and the collector from stopping the
// world, until procUnpin. Short: nothing between the two may block or call C. The
// linker lets packages have them: sync.Pool's users outside the standard library
// always had (golang.org/issue/67401). See docs/decisions/0011.
//
//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

// pinFast pins the stripe of this processor. Who then finds that a collection has
// begun, or that it has not seen all news, in this order, lets go of it by procUnpin:
// it may be one that others have.
func pinFast() *stripe {
	i := uint(procPin())
	if i >= stripeCount {
		i = i%sharedStripes + ownStripes
	}
	return &stripes[i]
}

// pin pins a stripe, and has it know all news.
func pin() *stripe {
	for {
		s := pinFast()
		if !hasBegun() && s.seen == atomic.LoadUint32(&news) {
			return s
		}
		if s.isShared() && atomic.SwapUint32(&s.lock, 1) != 0 {
			procUnpin()
			runtime.Gosched()
			continue
		}
		if !hasBegun() || !canTell {
			s.renew()
			return s
		}
		s.unpin()
		await()
	}
}

// unpin lets go of a stripe.
func (s *stripe) unpin() {
	release32(&s.lock, 0)
	procUnpin()
}

// isShared tells whether pinning alone does not give the stripe. The race detector
// does not know what pinning does: for it, all are.
func (s *stripe) isShared() bool { return raceEnabled || s.index >= ownStripes }

// renew takes notice of the news: after a collection began, the shared net may be
// gone. What it had free is in its group, where the core finds it.
func (s *stripe) renew() {
	latest := atomic.LoadUint32(&news)
	if s.renewed == latest {
		return
	}
	s.nets, s.group, s.asideCount = 0, nil, 0
	atomic.StoreUintptr(&s.whole, 0)
	s.renewed = latest
	if !s.isShared() {
		s.seen = latest
	}
}

// take takes a net for an object of this type. It may give back another stripe, for it
// lets go of this one meanwhile. nil: there is no room.
func (s *stripe) take(k *kind) (*net, *stripe, status) {
	if k.isShared {
		return s.refillShared()
	}
	return s.refillExact()
}

// takeExact takes an armed net from the pool, which has one.
func (s *stripe) takeExact() *net {
	s.pooled--
	n := s.pool[s.pooled]
	s.pool[s.pooled] = nil // or the pool would keep a forgotten object's net
	return n
}

// refillExact takes a net from the pool, which it fills when it is empty. It may
// give back another stripe, for it lets go of this one meanwhile. nil: there is no
// room.
func (s *stripe) refillExact() (*net, *stripe, status) {
	if s.pooled != 0 {
		return s.takeExact(), s, statusOK
	}
	s.unpin()
	var nets [poolSize / 2]*net
	var why status
	count := takeSpilled(nets[:])
	if count == 0 {
		if nets[0], why = freshNet(); nets[0] != nil {
			count = 1
		}
	}
	s = pin()
	if count == 0 {
		return nil, s, why
	}
	kept := 1
	for kept < count && s.giveExact(nets[kept]) {
		kept++
	}
	if kept < count {
		s.unpin()
		giveSpilled(nets[kept:count])
		s = pin()
	}
	return nets[0], s, statusOK
}

// giveExact puts a net whose slot is free into the pool. False: it is full.
func (s *stripe) giveExact(n *net) bool {
	if s.pooled == poolSize {
		return false
	}
	s.pool[s.pooled] = n
	s.pooled++
	return true
}

// keepExact puts a net whose slot is free into a pool. No stripe is pinned.
func keepExact(n *net) {
	s := pin()
	if s.giveExact(n) {
		s.unpin()
		return
	}
	var nets [poolSize / 2]*net
	s.pooled -= copy(nets[:], s.pool[poolSize/2:])
	clear(s.pool[poolSize/2:])
	s.giveExact(n)
	s.unpin()
	giveSpilled(nets[:])
}

// shard is the stripe's part of a type's counters.
func (s *stripe) shard(k *kind) *shard {
	return (*shard)(unsafe.Add(unsafe.Pointer(k.counters), s.shards))
}

// gone counts the end of the object in a slot, which a line closed.
func (s *stripe) gone(n *net, k *kind, site uint32) {
	t := n.slot
	t.epoch = site
	release64(&t.object, 0) // last: it tells that the end is over, and the site there
	raceDestroyed(n)
	counts := s.shard(k)
	counts.gone++
	if t.sizeBytes != k.size {
		counts.moreBytes -= t.sizeBytes - k.size
	}
}

// countMore counts what an object has beyond its type's size, or lacks of it, and takes
// it from the shard's credit.
//
//go:noinline
func (k *kind) countMore(counts *shard, size uint64) {
	counts.moreBytes += size - k.size
	if size > k.size {
		counts.lookAt -= (size-k.size)/(min(k.size, creditBytes)+operationBytes) + 1
	}
}

// isSpent tells whether the shard has to look at the total.
func (s *shard) isSpent() bool { return int64(s.opened-s.lookAt) >= 0 }
