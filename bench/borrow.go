// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"belay.example/belay"
	"belay.example/belay/bench/peers"
)

// lentType has nets of its own, so that the one object that is lent does not keep forgotten
// ones of a shared net from being found.
var lentType = belay.NewType[*peers.Block]("lent", belay.Free(), belay.FixedSize(64), belay.NetExact())

var blockType = belay.NewType[*peers.Block]("block", belay.Free(), belay.FixedSize(64))

var sink byte

//go:noinline
func borrowDefer(o belay.Owned[*peers.Block]) byte {
	b, err := o.Borrow()
	if err != nil {
		return 0
	}
	defer b.Return()
	return b.Ptr()[0]
}

//go:noinline
func doOnce(o belay.Owned[*peers.Block]) byte {
	var seen byte
	_ = o.Do(func(p *peers.Block) error {
		seen = p[0]
		return nil
	})
	return seen
}

func borrowContests() []contest {
	o, err := lentType.Own(peers.Malloc())
	check(err)
	var mutex sync.Mutex
	var rw sync.RWMutex
	block := peers.Malloc()
	empty := side{"empty_cgo_call", timed(func(n int) {
		for range n {
			peers.Empty()
		}
	})}
	all := []side{
		empty,
		{"mutex_pair", timed(func(n int) {
			for range n {
				mutex.Lock()
				sink = block[0]
				mutex.Unlock()
			}
		})},
		{"rwmutex_pair", timed(func(n int) {
			for range n {
				rw.RLock()
				sink = block[0]
				rw.RUnlock()
			}
		})},
	}
	return []contest{
		{name: "borrow_return", ours: side{"", timed(func(n int) {
			for range n {
				b, err := o.Borrow()
				if err != nil {
					return
				}
				sink = b.Ptr()[0]
				b.Return()
			}
		})}, peers: all},
		{name: "borrow_defer", ours: side{"", timed(func(n int) {
			for range n {
				sink = borrowDefer(o)
			}
		})}, peers: all},
		{name: "do", ours: side{"", timed(func(n int) {
			for range n {
				sink = doOnce(o)
			}
		})}, peers: all},
	}
}
