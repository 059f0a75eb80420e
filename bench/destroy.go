// SPDX-License-Identifier: MIT

package main

import (
	"runtime"
	"time"

	"belay.example/belay"
	"belay.example/belay/bench/peers"
)

var (
	trivialType = belay.NewType[*peers.Block]("trivial", belay.DestroyC(peers.TrivialC()),
		belay.FixedSize(64), belay.NetShared())
	gateType = belay.NewType[*peers.Block]("gate", belay.DestroyC(peers.WaitAtGateC()),
		belay.FixedSize(64), belay.NetExact())
)

// destroyMillion times how long the net's worker takes for what the collector found: the
// worker is held at a gate until the collection is over and everything is queued.
func destroyMillion(t belay.Type[*peers.Block], open func() *peers.Block) func(n int) float64 {
	return func(n int) float64 {
		forgetOurs(gateType, 1, peers.Malloc)
		for !peers.IsAtGate() {
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
		count := t.Stats
		before := count()
		forgetOurs(t, n, open)
		for range 3 {
			runtime.GC()
			time.Sleep(20 * time.Millisecond) // the cleanups are on their way to the queue
		}
		start := time.Now()
		peers.OpenGate()
		for {
			belay.Drain(time.Minute)
			if now := count(); now.Opened-now.Live >= before.Opened-before.Live+uint64(n) {
				return float64(time.Since(start))
			}
			time.Sleep(100 * time.Microsecond) // not all was queued yet
		}
	}
}

// eachCrossing times a loop that destroys one object a crossing.
func eachCrossing(open func() *peers.Block, destroy func(*peers.Block)) func(n int) float64 {
	return func(n int) float64 {
		kept := make([]*peers.Block, n)
		for i := range kept {
			kept[i] = open()
		}
		start := time.Now()
		for _, p := range kept {
			destroy(p)
		}
		return float64(time.Since(start))
	}
}

func destroyContests() []contest {
	one := peers.Malloc()
	same := func() *peers.Block { return one }
	return []contest{
		{name: "destroy_1m_free", rounds: 7, n: million,
			ours:  side{"", destroyMillion(blockType, peers.Malloc)},
			peers: []side{{"one_crossing_each", eachCrossing(peers.Malloc, peers.Free)}}},
		{name: "destroy_1m_trivial", rounds: 7, n: million,
			ours:  side{"", destroyMillion(trivialType, same)},
			peers: []side{{"one_crossing_each", eachCrossing(same, peers.Trivial)}}},
	}
}
