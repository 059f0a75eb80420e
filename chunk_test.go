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

func end(t *testing.T, objects ...Owned[*testc.Small]) {
	for _, o := range objects {
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// atRest has one processor and no collection until the test is over.
func atRest(t *testing.T) {
	processors, percent := runtime.GOMAXPROCS(1), debug.SetGCPercent(-1)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(processors)
		debug.SetGCPercent(percent)
	})
}

// Goal: the slot of what was closed last, in whichever chunk, is the next one's. Method:
// close one of many in random order and open one, over and over.
func TestLastClosedIsNext(t *testing.T) {
	atRest(t)
	kind := NewType[*testc.Small]("last closed", FixedSize(64), NetShared())
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	live := make([]Owned[*testc.Small], 8*groupSlots)
	for i := range live {
		live[i] = own(t, kind, p)
	}
	random := rand.New(rand.NewPCG(1, 2))
	const rounds = 3000
	others := 0
	for range rounds {
		at := random.IntN(len(live))
		closed := live[at].net
		end(t, live[at])
		if live[at] = own(t, kind, p); live[at].net != closed {
			others++
		}
	}
	// Other slots of the same chunk, if it had any.
	if others > rounds/10 {
		t.Errorf("%d of %d times another slot", others, rounds)
	}
	end(t, live...)
}

// Goal: free slots of chunks in use are taken before a new chunk is, and none of a chunk
// that a collection may have found dead. Method: close every other object of a few chunks
// and see where the next ones go; then forget all of them and collect.
func TestChunksPutAside(t *testing.T) {
	if raceEnabled {
		t.Skip("takes its objects from all stripes")
	}
	atRest(t)
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
			end(t, o)
		}
	}
	for range 4*groupSlots - groupSlots/2 {
		o := own(t, kind, p)
		all = append(all, o)
		if !groups[o.net.group] {
			t.Fatal("a new chunk, while half of eight is free")
		}
	}
	end(t, all...)
	runtime.KeepAlive(all)
	all = nil
	count := func() int {
		s := pin()
		defer s.unpin()
		return s.asideCount
	}
	before := count()
	runtime.GC()
	if after := count(); before == 0 || after != 0 {
		t.Errorf("of %d chunks put aside before the collection, %d are still so", before, after)
	}
}

// Goal: what is live fills few chunks, though each collection has the stripes forget those
// that they knew. Method: replace objects in random order, with collections.
func TestFewChunks(t *testing.T) {
	if raceEnabled {
		t.Skip("takes its objects from all stripes")
	}
	atRest(t)
	kind := NewType[*testc.Small]("in few chunks", FixedSize(64), NetShared())
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	live := make([]Owned[*testc.Small], 8*groupSlots)
	for i := range live {
		live[i] = own(t, kind, p)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		for range 100 {
			at := random.IntN(len(live))
			end(t, live[at])
			live[at] = own(t, kind, p)
		}
		runtime.GC()
	}
	groups := map[*group]bool{}
	for _, o := range live {
		groups[o.net.group] = true
		end(t, o)
	}
	t.Logf("%d chunks for what fits in 8", len(groups))
	if len(groups) > 48 {
		t.Errorf("%d chunks for what fits in 8", len(groups))
	}
}

// Goal: no chunk in use is a spare, which would keep alive for good what is forgotten in it.
// Method: open and close in bursts of any length, in any order, and look at the spares.
func TestSparesAreWhole(t *testing.T) {
	if raceEnabled {
		t.Skip("takes its objects from all stripes")
	}
	atRest(t)
	kind := NewType[*testc.Small]("in bursts", FixedSize(64), NetShared())
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	random := rand.New(rand.NewPCG(1, 2))
	var live []Owned[*testc.Small]
	for range 2000 {
		for range random.IntN(4 * groupSlots) {
			live = append(live, own(t, kind, p))
		}
		for range random.IntN(len(live) + 1) {
			at, last := random.IntN(len(live)), len(live)-1
			end(t, live[at])
			live[at], live = live[last], live[:last]
		}
		if random.IntN(100) == 0 {
			runtime.GC()
		}
		s := pin()
		kept := map[*chunk]bool{}
		for _, c := range s.spares[:s.spareCount] {
			kept[c] = c.nets[0].group.isWhole()
		}
		count := s.spareCount
		s.unpin()
		for _, isWhole := range kept {
			if !isWhole {
				t.Fatal("a spare is in use")
			}
		}
		if len(kept) != count {
			t.Fatal("one chunk is two spares")
		}
	}
	end(t, live...)
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
		end(t, live[at])
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
	end(t, live...)
}

// Goal: what is forgotten in a chunk that is used again and again is found after a few
// collections, though the program closes and opens little between them. Method: one object
// among many forgotten ones, replaced once a collection.
func TestForgottenBesideOne(t *testing.T) {
	atRest(t)
	kind := NewType[*testc.Small]("beside one", FixedSize(64), NetShared())
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	const forgotten = 2*groupSlots - 1
	var live Owned[*testc.Small]
	for i := range forgotten + 1 {
		if o := own(t, kind, p); i == groupSlots {
			live = o // of a chunk of which most are forgotten
		}
	}
	collections := 0
	for ; collections < 40 && kind.Stats().Rescued < forgotten; collections++ {
		end(t, live)
		live = own(t, kind, p)
		runtime.GC()
		time.Sleep(2 * time.Millisecond)
	}
	if stats := kind.Stats(); stats.Rescued != forgotten {
		t.Errorf("%d of %d forgotten ones found in %d collections", stats.Rescued, forgotten, collections)
	}
	end(t, live)
}

// Goal: a chunk that became whole may be used again, however often it was, and whoever gave
// the last slot back, until a collection begins. Method: have the core end all of its
// objects, and see whose slots are the next ones.
func TestWholeIsUsedAgain(t *testing.T) {
	if raceEnabled {
		t.Skip("takes its objects from all stripes")
	}
	atRest(t)
	kind := NewType[*testc.Small]("whole again", FixedSize(64), NetShared())
	p := testc.MallocSmall()
	defer testc.FreeSmall(p)
	runtime.GC() // or the first ones would be half another test's
	g := wholeByCore(t, kind, p)
	isUsed := false
	for range 3 * groupSlots {
		isUsed = isUsed || own(t, kind, p).net.group == g
	}
	if !isUsed || g.reused >= reusedMax {
		t.Errorf("used again: %v, and as if %d times before", isUsed, g.reused)
	}
	wholeByCore(t, kind, p)
	whole := func() uintptr {
		s := pin()
		defer s.unpin()
		return s.whole
	}
	before := whole()
	runtime.GC()
	if before == 0 || whole() != 0 {
		t.Errorf("noted as whole before the collection: %v; after it: %v", before != 0, whole() != 0)
	}
}

// wholeByCore fills a chunk, has the core give all of it back, and returns its group.
func wholeByCore(t *testing.T, kind Type[*testc.Small], p *testc.Small) *group {
	of := map[*group][]Owned[*testc.Small]{}
	for {
		o := own(t, kind, p)
		g := o.net.group
		of[g] = append(of[g], o)
		if len(of[g]) < groupSlots {
			continue
		}
		own(t, kind, p) // in another one
		g.reused = reusedMax
		for _, o := range of[g] {
			if _, err := o.Disown(); err != nil {
				t.Fatal(err)
			}
		}
		return g
	}
}
