// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"context"
	"sync"
)

// A goroutine that finds a guard taken parks here. The core has noted one
// waiter for it, and says once for each noted one that the guard was left. The
// word may come before the goroutine is here: then it is kept. A word spent on one
// who then does not enter (the object was closed, its context ended) must wake
// the next: nobody else would leave the guard. Words too many are harmless: who
// is woken too early tries, and parks again.

// guardWaiters is what waits for one guard: a queue, or words kept.
type guardWaiters struct {
	parked []chan struct{}
	kept   int
}

var guards struct {
	sync.Mutex
	waiters map[uint32]*guardWaiters
}

// guardLeft wakes one who waits for the guard.
func guardLeft(guard uint32) {
	guards.Lock()
	defer guards.Unlock()
	w := guardWaitersOf(guard)
	if len(w.parked) == 0 {
		w.kept++
		return
	}
	close(w.parked[0])
	w.parked = w.parked[1:]
	guardForget(guard, w)
}

// guardPass wakes the next after a word was spent without entering. Nobody
// there: one word is kept, for who is on the way.
func guardPass(guard uint32) {
	guards.Lock()
	w := guardWaitersOf(guard)
	enough := len(w.parked) == 0 && w.kept > 0
	guards.Unlock()
	if !enough {
		guardLeft(guard)
	}
}

func guardWaitersOf(guard uint32) *guardWaiters {
	if guards.waiters == nil {
		guards.waiters = map[uint32]*guardWaiters{}
	}
	w := guards.waiters[guard]
	if w == nil {
		w = new(guardWaiters)
		guards.waiters[guard] = w
	}
	return w
}

func guardForget(guard uint32, w *guardWaiters) {
	if len(w.parked) == 0 && w.kept == 0 {
		delete(guards.waiters, guard)
	}
}

// waitForGuard parks until the guard was left once, or ctx ends: then it
// returns the cause.
func waitForGuard(ctx context.Context, guard uint32) error {
	guards.Lock()
	w := guardWaitersOf(guard)
	if w.kept > 0 {
		w.kept--
		guardForget(guard, w)
		guards.Unlock()
		return nil
	}
	me := make(chan struct{})
	w.parked = append(w.parked, me)
	guards.Unlock()

	select {
	case <-me:
		return nil
	case <-ctx.Done():
		guardGiveUp(guard, me)
		return context.Cause(ctx)
	}
}

// guardGiveUp takes a waiter away; if it was woken meanwhile, it wakes the next.
func guardGiveUp(guard uint32, me chan struct{}) {
	guards.Lock()
	w := guardWaitersOf(guard)
	for i, parked := range w.parked {
		if parked == me {
			w.parked = append(w.parked[:i:i], w.parked[i+1:]...)
			guardForget(guard, w)
			guards.Unlock()
			return
		}
	}
	guards.Unlock()
	guardLeft(guard)
}
