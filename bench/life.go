// SPDX-License-Identifier: MIT

package main

import (
	"math/rand/v2"
	"runtime/cgo"
	"sync"
	"time"

	"belay.example/belay"
	"belay.example/belay/bench/peers"
)

var nameType = belay.NewType[*peers.Block]("name", belay.FixedSize(64))

// liveCount is how many objects live at once in the random order.
const liveCount = 1000

// order says which of the live objects is closed next: the same for all sides.
var order = func() []int32 {
	random := rand.New(rand.NewPCG(1, 2))
	order := make([]int32, 1<<14)
	for i := range order {
		order[i] = random.Int32N(liveCount)
	}
	return order
}()

// wrapper is a way to hold a C object: how it opens, is used, closes.
type wrapper[T any] struct {
	open  func() T
	use   func(T) byte
	close func(T)
}

// one opens and closes an object at a time.
func (w wrapper[T]) one(n int) {
	for range n {
		h := w.open()
		sink = w.use(h)
		w.close(h)
	}
}

// random keeps liveCount objects and replaces them in random order. Filling and emptying are
// not counted.
func (w wrapper[T]) random(n int) float64 {
	live := make([]T, liveCount)
	for i := range live {
		live[i] = w.open()
	}
	start := time.Now()
	for i := range n {
		at := order[i&(len(order)-1)]
		sink = w.use(live[at])
		w.close(live[at])
		live[at] = w.open()
	}
	took := time.Since(start)
	for _, h := range live {
		w.close(h)
	}
	return float64(took)
}

// twice runs f on two goroutines at once, n operations each.
func twice(f func(n int)) func(n int) float64 {
	return func(n int) float64 {
		var both sync.WaitGroup
		start := time.Now()
		for range 2 {
			both.Add(1)
			go func() {
				defer both.Done()
				f(n)
			}()
		}
		both.Wait()
		return float64(time.Since(start))
	}
}

func twiceRandom(f func(n int) float64) func(n int) float64 {
	return func(n int) float64 {
		var both sync.WaitGroup
		var took [2]float64
		for i := range took {
			both.Add(1)
			go func() {
				defer both.Done()
				took[i] = f(n)
			}()
		}
		both.Wait()
		return max(took[0], took[1])
	}
}

var ours = wrapper[belay.Owned[*peers.Block]]{
	open: func() belay.Owned[*peers.Block] {
		o, _ := blockType.Own(peers.Malloc())
		return o
	},
	use: func(o belay.Owned[*peers.Block]) byte {
		b, err := o.Borrow()
		if err != nil {
			return 0
		}
		seen := b.Ptr()[0]
		b.Return()
		return seen
	},
	close: func(o belay.Owned[*peers.Block]) { _ = o.Close() },
}

var hands = []struct {
	name string
	way  wrapper[*peers.Hand]
}{
	{"hand_setfinalizer", wrapper[*peers.Hand]{peers.NewFinalized, (*peers.Hand).Use, (*peers.Hand).FreeFinalized}},
	{"hand_addcleanup", wrapper[*peers.Hand]{peers.NewCleaned, (*peers.Hand).Use, (*peers.Hand).Free}},
	{"hand_bare", wrapper[*peers.Hand]{peers.NewBare, (*peers.Hand).Use, (*peers.Hand).Free}},
}

func lifeContests() []contest {
	one := contest{name: "life", ours: side{"", timed(ours.one)}}
	random := contest{name: "life_1000_random", ours: side{"", ours.random}}
	oneTwo := contest{name: "life_2g", ours: side{"", twice(ours.one)}}
	randomTwo := contest{name: "life_1000_random_2g", ours: side{"", twiceRandom(ours.random)}}
	for _, h := range hands {
		one.peers = append(one.peers, side{h.name, timed(h.way.one)})
		random.peers = append(random.peers, side{h.name, h.way.random})
		oneTwo.peers = append(oneTwo.peers, side{h.name, twice(h.way.one)})
		randomTwo.peers = append(randomTwo.peers, side{h.name, twiceRandom(h.way.random)})
	}
	block := peers.Malloc()
	ownClose := contest{name: "own_close", ours: side{"", timed(func(n int) {
		for range n {
			o, _ := nameType.Own(block)
			_ = o.Close()
		}
	})}, peers: []side{{"cgo_handle", timed(func(n int) {
		for range n {
			h := cgo.NewHandle(block)
			h.Delete()
		}
	})}}}
	return []contest{ownClose, one, random, oneTwo, randomTwo}
}
