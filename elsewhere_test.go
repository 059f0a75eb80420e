// SPDX-License-Identifier: MIT

package belay_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// Goal: what is opened on one processor and closed on another goes back to the first, and
// no slot is handed out twice. Method: goroutines that open, hand to each other, look
// whether each object is what was opened, and close, under collections.
func TestClosedElsewhere(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	kind := belay.NewType[*testc.Small]("closed elsewhere", belay.FixedSize(64), belay.NetShared())
	type made struct {
		o belay.Owned[*testc.Small]
		p *testc.Small
	}
	const goroutines, blocks = 4, 60
	rounds := scaled(300000)
	opened := func(p *testc.Small) made {
		o, err := kind.Own(p)
		if err != nil {
			t.Error(err)
		}
		return made{o, p}
	}
	var over sync.WaitGroup
	handed := make(chan made, (goroutines+1)*blocks)
	for range blocks {
		handed <- opened(testc.MallocSmall())
	}
	for seed := range uint64(goroutines) {
		over.Add(1)
		go func() {
			defer over.Done()
			random := rand.New(rand.NewPCG(seed, 3))
			mine := make([]made, blocks)
			for i := range mine {
				mine[i] = opened(testc.MallocSmall())
			}
			for i := range rounds {
				at := random.IntN(blocks)
				handed <- mine[at]
				mine[at] = <-handed
				m := mine[at]
				l, err := m.o.Borrow()
				if err != nil || l.Ptr() != m.p {
					t.Errorf("another object, or none: %v", err)
					return
				}
				l.Return()
				if err := m.o.Close(); err != nil {
					t.Error(err)
					return
				}
				mine[at] = opened(m.p)
				if seed == 0 && i%(rounds/20) == 0 {
					runtime.GC()
				}
			}
			for _, m := range mine {
				handed <- m
			}
		}()
	}
	over.Wait()
	close(handed)
	for m := range handed {
		if err := m.o.Close(); err != nil {
			t.Error(err)
		}
		testc.FreeSmall(m.p)
	}
	if stats := kind.Stats(); stats.Opened != stats.Closed {
		t.Errorf("%+v", stats)
	}
}
