// SPDX-License-Identifier: MIT

package main

import (
	"runtime"
	"time"

	"belay.example/belay"
	"belay.example/belay/bench/peers"
)

const million = 1_000_000

// untilFreed times from the start of a collection until `count` says that all are gone. What
// one collection does not find, the next one must: it starts when nothing has gone for a while.
func untilFreed(target uint64, count func() uint64) float64 {
	start := time.Now()
	for {
		runtime.GC()
		last, still := count(), 0
		for ; still < 10 && last < target; still++ {
			time.Sleep(100 * time.Microsecond)
			if now := count(); now != last {
				last, still = now, 0
			}
		}
		if last >= target {
			return float64(time.Since(start))
		}
	}
}

// forgetOurs opens n objects and forgets them.
//
//go:noinline
func forgetOurs(t belay.Type[*peers.Block], n int, open func() *peers.Block) {
	kept := make([]belay.Owned[*peers.Block], n)
	for i := range kept {
		var err error
		kept[i], err = t.Own(open())
		check(err)
	}
	runtime.KeepAlive(kept)
}

// gone counts what has ended, of one type.
func gone(name string) func() uint64 {
	return func() uint64 {
		for _, t := range belay.ReadStats().Types {
			if t.Name == name {
				return t.Opened - t.Live
			}
		}
		return 0
	}
}

func forgottenContest() contest {
	return contest{name: "forgotten_1m", rounds: 9, n: million,
		ours: side{"", func(n int) float64 {
			count := gone("block")
			before := count()
			forgetOurs(blockType, n, peers.Malloc)
			return untilFreed(before+uint64(n), count)
		}},
		peers: []side{
			{"setfinalizer", func(n int) float64 {
				before := peers.Freed.Load()
				peers.ForgetFinalized(n)
				return untilFreed(before+uint64(n), peers.Freed.Load)
			}},
			{"addcleanup", func(n int) float64 {
				before := peers.Freed.Load()
				peers.ForgetCleaned(n)
				return untilFreed(before+uint64(n), peers.Freed.Load)
			}},
		}}
}
