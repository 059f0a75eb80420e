// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"belay.example/belay/internal/goroutine"
)

const (
	stripeCount = 16
	poolSize    = 64
)

// stripe holds free nets for the goroutines that hash to it, and writes one
// shard of every type's counters. Its lock is held for a few stores; who finds
// it taken goes to the next stripe.
type stripe struct {
	lock       uint32
	index      uint32
	shards     uintptr // where its shard is in a type's counters
	untilTrace uint32  // opens until the next one that is traced
	pooled     int
	chunk      *chunk // the shared net in use, and its group
	group      *group
	ready      uintptr // a free net of it, the next to be taken: not among the bits
	spareCount int
	spares     [4]*chunk
	pool       [poolSize]*net
	_          [416]byte // to a power of two: the index is then a shift
}

var stripes [stripeCount]stripe

func init() {
	for i := range stripes {
		stripes[i].index, stripes[i].shards = uint32(i), uintptr(i)*unsafe.Sizeof(shard{})
	}
}

// setTraceInterval follows a change of the level.
func setTraceInterval() {
	interval := bindTraceInterval()
	for i := range stripes {
		s := stripes[i].lockThis()
		s.untilTrace = interval
		s.unlock()
	}
}

// stripeOf is the stripe of a goroutine. Descriptors are about 512 bytes apart, so
// that bits 9 to 12 of the address tell neighbours apart.
func stripeOf(self uintptr) *stripe {
	return (*stripe)(unsafe.Add(unsafe.Pointer(&stripes), self>>9%stripeCount*unsafe.Sizeof(stripe{})))
}

func (s *stripe) tryLock() bool { return atomic.SwapUint32(&s.lock, 1) == 0 }

// lockNext locks another stripe than the goroutine's own, which was taken.
func lockNext(self uintptr) *stripe {
	first := stripeOf(self).index
	for i := first + 1; ; i++ {
		if s := &stripes[i%stripeCount]; s.tryLock() {
			return s
		}
		if i%stripeCount == first {
			runtime.Gosched()
		}
	}
}

// lockStripe locks a stripe: the goroutine's own, or another that is free.
func lockStripe() *stripe { return lockStripeOf(goroutine.Identity()) }

func lockStripeOf(self uintptr) *stripe {
	if s := stripeOf(self); s.tryLock() {
		return s
	}
	return lockNext(self)
}

// lockThis locks this very stripe.
func (s *stripe) lockThis() *stripe {
	for !s.tryLock() {
		runtime.Gosched()
	}
	return s
}

func (s *stripe) unlock() { release32(&s.lock, 0) }

// takeExact takes an armed net from the pool. nil: it is empty.
func (s *stripe) takeExact() *net {
	if s.pooled == 0 {
		return nil
	}
	s.pooled--
	n := s.pool[s.pooled]
	s.pool[s.pooled] = nil // or the pool would keep a forgotten object's net
	return n
}

// refillExact gets nets for the pool of the stripe, which is locked before and
// after, and takes one. nil: there is no room.
func (s *stripe) refillExact() (*net, status) {
	if n := s.takeExact(); n != nil {
		return n, statusOK
	}
	s.unlock()
	var nets [poolSize / 2]*net
	var why status
	count := takeSpilled(nets[:])
	if count == 0 {
		if nets[0], why = freshNet(); nets[0] != nil {
			count = 1
		}
	}
	s.lockThis()
	if count == 0 {
		return nil, why
	}
	for i := 1; i < count; i++ {
		s.giveExact(nets[i])
	}
	return nets[0], statusOK
}

// giveExact puts a net whose slot is free into the pool. The stripe is locked,
// but for a moment when the pool is full.
func (s *stripe) giveExact(n *net) {
	for s.pooled == poolSize {
		var nets [poolSize / 2]*net
		s.pooled -= copy(nets[:], s.pool[poolSize/2:])
		clear(s.pool[poolSize/2:])
		s.unlock()
		giveSpilled(nets[:])
		s.lockThis()
	}
	s.pool[s.pooled] = n
	s.pooled++
}

// shard is the stripe's part of a type's counters.
func (s *stripe) shard(k *kind) *shard {
	return (*shard)(unsafe.Add(unsafe.Pointer(k.counters), s.shards))
}

// gone counts the end of the object in a slot, which a line closed.
func (s *stripe) gone(n *net, k *kind, site uint32) {
	t := n.slot
	t.object = 0
	t.epoch = site
	raceDestroyed(n)
	counts := s.shard(k)
	counts.gone++
	counts.bytes -= t.sizeBytes
}

// readyNet is the net that is ready: s.chunk keeps it.
func (s *stripe) readyNet() *net { return (*net)(pointer(s.ready)) }
