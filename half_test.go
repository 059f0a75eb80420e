// SPDX-License-Identifier: MIT

package belay

import (
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"belay.example/belay/internal/testc"
)

func own(t *testing.T, kind Type[*testc.Small], p *testc.Small) Owned[*testc.Small] {
	o, err := kind.Own(p)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Goal: a chunk of which half is free is used again before a new one is, and none that a
// collection may have found dead. Method: on one processor, close every other object of
// a few chunks and see where the next ones go; then forget all of them and collect.
func TestHalfFreeChunks(t *testing.T) {
	if raceEnabled {
		t.Skip("takes its objects from all stripes")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	kind := NewType[*testc.Small]("every other", FixedSize(64), NetShared())
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	var all []Owned[*testc.Small]
	for range 8 * groupSlots {
		all = append(all, own(t, kind, p))
	}
	groups := map[*group]bool{}
	for i, o := range all {
		groups[o.net.group] = true
		if i%2 == 0 {
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := pin()
	noted := s.halfCount
	s.unpin()
	if noted < 4 {
		t.Errorf("%d of 8 half free chunks noted", noted)
	}
	for range 3 * groupSlots {
		o := own(t, kind, p)
		all = append(all, o)
		if !groups[o.net.group] {
			t.Fatal("a new chunk, while half of eight is free")
		}
	}
	for _, o := range all[:8*groupSlots] {
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.KeepAlive(all)
	all = nil
	runtime.GC()
	_ = own(t, kind, p).Close()
	s = pin()
	noted = s.halfCount
	s.unpin()
	if noted != 0 {
		t.Errorf("%d chunks noted before the collection are still so", noted)
	}
}

// Goal: what is forgotten in a chunk that others come and go in is found all the same.
// Method: forget a few among two hundred, replace those in random order, collect.
func TestForgottenAmongTheLiving(t *testing.T) {
	kind := NewType[*testc.Small]("among the living", FixedSize(64), NetShared())
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const forgotten = 10
	live := make([]Owned[*testc.Small], 200)
	for i := range live {
		live[i] = own(t, kind, p)
		if i%20 == 0 {
			own(t, kind, p)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		at := random.IntN(len(live))
		if err := live[at].Close(); err != nil {
			t.Fatal(err)
		}
		live[at] = own(t, kind, p)
	}
	for range 100 {
		runtime.GC()
		if time.Sleep(time.Millisecond); kind.Stats().Rescued == forgotten {
			break
		}
	}
	if stats := kind.Stats(); stats.Rescued != forgotten {
		t.Errorf("%d of %d forgotten ones found", stats.Rescued, forgotten)
	}
	for _, o := range live {
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
