// SPDX-License-Identifier: MIT

package belay

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"belay.example/belay/internal/testc"
)

// conformanceType is one kind of object as both ways know it.
type conformanceType struct {
	name     string
	options  []Option // besides the size
	destroy  int      // of the core: testc.Core...
	size     uint64
	keeps    bool
	guard    uint8
	children uint8

	goType Type[*testc.Probe]
	coreID uint32
}

// destroyProbe is the destructor in Go. What its code means is the probe's matter.
func destroyProbe(keeps bool) Option {
	return Destroy(func(p *testc.Probe) error {
		switch code := testc.ProbeEnd(p); {
		case code == 0:
			return nil
		case keeps:
			return Refuse(probeCode(code))
		default:
			return probeCode(code)
		}
	})
}

// probeCode is the error of a destructor in Go that gave a code.
type probeCode int

func (c probeCode) Error() string { return fmt.Sprintf("probe code %d", int(c)) }

func conformanceTypes(t *testing.T) []*conformanceType {
	inC := DestroyC(testc.DropProbe)
	list := []*conformanceType{
		{name: "nothing shared", destroy: testc.CoreNothing, size: 16},
		{name: "nothing exact", options: []Option{NetExact()}, destroy: testc.CoreNothing, size: 16},
		{name: "free shared", options: []Option{Free()}, destroy: testc.CoreFree, size: 48},
		{name: "free exact", options: []Option{Free()}, destroy: testc.CoreFree},
		{name: "go", options: []Option{destroyProbe(false)}, destroy: testc.CoreProbe, size: 7},
		{name: "go keeps", options: []Option{destroyProbe(true)}, destroy: testc.CoreProbe, keeps: true},
		{name: "c", options: []Option{inC}, destroy: testc.CoreProbe},
		{name: "c keeps", options: []Option{inC, OnErrorKept()}, destroy: testc.CoreProbe, keeps: true},
		{name: "go holds", options: []Option{destroyProbe(false), HoldChildren()}, destroy: testc.CoreProbe, children: childrenHold},
		{name: "c holds", options: []Option{inC, OnErrorKept(), HoldChildren()}, destroy: testc.CoreProbe, keeps: true,
			children: childrenHold},
		{name: "go exclusive", options: []Option{destroyProbe(true), GuardExclusive()}, destroy: testc.CoreProbe, keeps: true,
			guard: guardExclusive},
		{name: "c exclusive", options: []Option{inC, GuardExclusive()}, destroy: testc.CoreProbe, guard: guardExclusive},
		{name: "go domain", options: []Option{destroyProbe(false), GuardDomain()}, destroy: testc.CoreProbe, guard: guardDomain},
		{name: "c domain", options: []Option{inC, OnErrorKept(), GuardDomain()}, destroy: testc.CoreProbe, keeps: true,
			guard: guardDomain},
	}
	for _, k := range list {
		onError := Gone
		if k.keeps {
			onError = Kept
		}
		k.goType = NewType[*testc.Probe](k.name+" by Go", append(k.options, FixedSize(k.size))...)
		made := testc.CoreType(k.name+" by C", k.destroy, k.size, uint8(onError), k.guard, k.children)
		if made.Status != 0 {
			t.Fatal(k.name, made)
		}
		k.coreID = uint32(made.Value)
	}
	return list
}

// twin is one object of each way, opened by the same operation.
type twin struct {
	kind   *conformanceType
	probes [2]*testc.Probe // by way
	owned  Owned[*testc.Probe]
	handle uint64
	loans  []loan // borrows that are out
	spent  []loan // borrows that were returned, as they were before
	open   bool   // alive when it was last looked at
	isOurs bool   // disowned
}

// conformance runs operations by both ways and compares.
type conformance struct {
	t      *testing.T
	random *rand.Rand
	kinds  []*conformanceType
	twins  []*twin
	steps  []string
}

// answer is what an operation came to.
type answer struct {
	status status
	code   int
}

// answerOf reads an error as the core's status and code.
func answerOf(err error) answer {
	if err == nil {
		return answer{}
	}
	var e *Error
	if !errors.As(err, &e) {
		return answer{status: ^status(0)}
	}
	a := answer{status(slices.Index(sentinels[:], e.Err)), e.Code}
	var code probeCode
	if errors.As(err, &code) {
		a.code = int(code)
	}
	return a
}

func coreAnswer(r testc.CoreResult) answer {
	if r.Status == 0 {
		return answer{}
	}
	return answer{status(r.Status), r.Code}
}

func (c *conformance) fail(format string, arguments ...any) {
	c.t.Helper()
	c.t.Fatalf("%s\nafter:\n\t%s", fmt.Sprintf(format, arguments...), strings.Join(c.steps, "\n\t"))
}

func (c *conformance) own(kind *conformanceType, size uint64, parent *twin) {
	label := len(c.twins)
	w := &twin{kind: kind}
	for way := range w.probes {
		w.probes[way] = testc.ProbeNew(label, way, kind.keeps)
	}
	var options []OwnOption
	handle := uint64(0)
	if size != 0 {
		options = append(options, Size(size))
	}
	if parent != nil {
		options = append(options, ChildOf(parent.owned))
		handle = parent.handle
	}
	owned, err := kind.goType.Own(w.probes[testc.WayGo], options...)
	core := testc.CoreOwn(kind.coreID, w.probes[testc.WayC], size, handle)
	c.compare(answerOf(err), coreAnswer(core))
	if err != nil {
		c.free(w)
		return
	}
	w.owned, w.handle, w.open = owned, core.Value, true
	c.twins = append(c.twins, w)
	c.willGive(w, c.code())
}

func (c *conformance) free(w *twin) {
	for _, p := range w.probes {
		testc.Free(p)
	}
}

func (c *conformance) compare(inGo, inC answer) {
	c.t.Helper()
	if inGo != inC {
		c.fail("Go says %v, code %d; C says %v, code %d", inGo.status.sentinel(), inGo.code, inC.status.sentinel(), inC.code)
	}
}

func (c *conformance) borrow(w *twin) {
	l, err := w.owned.net.borrow(w.owned.ref)
	core := testc.CoreBorrow(w.handle)
	c.compare(answerOf(err), coreAnswer(core))
	if err != nil {
		return
	}
	w.loans = append(w.loans, l)
	lent := Loan[*testc.Probe]{loan: l}
	if lent.Ptr() != w.probes[testc.WayGo] || core.Value != addressOf(w.probes[testc.WayC]) {
		c.fail("lent the wrong object")
	}
}

func (c *conformance) giveBack(w *twin) {
	i := c.random.IntN(len(w.loans))
	l := w.loans[i]
	w.loans = slices.Delete(w.loans, i, i+1)
	w.spent = append(w.spent, l)
	l.Return()
	c.compare(answer{}, coreAnswer(testc.CoreReturn(w.handle)))
}

// again returns what was returned: refused by both ways.
func (c *conformance) again(w *twin) {
	l := w.spent[c.random.IntN(len(w.spent))]
	if c.random.IntN(2) == 0 {
		l.used = 0 // the variable itself, not a copy
	}
	l.Return()
	c.compare(answer{status: statusNotBorrowed}, coreAnswer(testc.CoreReturn(w.handle)))
}

func (c *conformance) disown(w *twin) {
	p, err := w.owned.Disown()
	core := testc.CoreDisown(w.handle)
	c.compare(answerOf(err), coreAnswer(core))
	if err != nil {
		return
	}
	if p != w.probes[testc.WayGo] || core.Value != addressOf(w.probes[testc.WayC]) {
		c.fail("gave the wrong object back")
	}
	w.isOurs = true
}

func (c *conformance) close(w *twin) {
	err := w.owned.Close()
	c.compare(answerOf(err), coreAnswer(testc.CoreClose(w.handle)))
}

func (c *conformance) resize(w *twin, size uint64) {
	err := w.owned.Resize(size)
	c.compare(answerOf(err), coreAnswer(testc.CoreResize(w.handle, size)))
}

// willGive sets what the next destruction of an open object comes to.
func (c *conformance) willGive(w *twin, code int) {
	if w.kind.destroy != testc.CoreProbe {
		return
	}
	for _, p := range w.probes {
		testc.ProbeCode(p, code)
	}
}

// step does one operation, chosen at random.
func (c *conformance) step() {
	note := func(format string, arguments ...any) { c.steps = append(c.steps, fmt.Sprintf(format, arguments...)) }
	if len(c.twins) == 0 || c.random.IntN(5) == 0 {
		kind := c.kinds[c.random.IntN(len(c.kinds))]
		size := uint64(c.random.IntN(2) * (1 + c.random.IntN(9000)))
		var parent *twin
		which := -1
		if len(c.twins) > 0 && c.random.IntN(2) == 0 {
			which = c.pick()
			parent = c.twins[which]
		}
		note("own #%d %s size %d below #%d", len(c.twins), kind.name, size, which)
		c.own(kind, size, parent)
		return
	}
	which := c.pick()
	w := c.twins[which]
	switch op := c.random.IntN(12); {
	case op < 3:
		note("borrow #%d", which)
		c.borrow(w)
	case op < 6 && len(w.loans) > 0:
		note("return #%d", which)
		c.giveBack(w)
	case op < 7 && len(w.loans) == 0 && len(w.spent) > 0:
		note("return #%d again", which)
		c.again(w)
	case op < 7 && c.random.IntN(2) == 0:
		note("disown #%d", which)
		c.disown(w)
	case op < 8:
		note("resize #%d", which)
		c.resize(w, uint64(c.random.IntN(5000)))
	case op < 9 && w.open:
		code := c.code()
		note("destructor of #%d will give %d", which, code)
		c.willGive(w, code)
	default:
		note("close #%d", which)
		c.close(w)
	}
}

// code is a destructor's next code: 0 mostly.
func (c *conformance) code() int { return max(0, c.random.IntN(200)-120) }

// pick prefers objects that are there, and among them the last ones.
func (c *conformance) pick() int {
	for range 4 {
		if i := len(c.twins) - 1 - c.random.IntN(min(len(c.twins), 8)); c.twins[i].open {
			return i
		}
	}
	return c.random.IntN(len(c.twins))
}

// look compares all that can be seen: states, counters, ends.
func (c *conformance) look() {
	const compared = stateBorrows | stateFlags&^stateTraced
	for i, w := range c.twins {
		inGo, inC := w.owned.net.slot.state, testc.CoreState(w.handle)
		goneGo, goneC := (inGo-w.owned.ref&generationMask)>>generationShift, (inC-w.handle&generationMask)>>generationShift
		if !w.open {
			if goneGo == 0 || goneC == 0 {
				c.fail("#%d is there again: generations %d by Go, %d by C", i, goneGo, goneC)
			}
			continue
		}
		if goneGo != goneC || inGo&compared != inC&compared {
			c.fail("#%d %s: state %s by Go, %s by C", i, w.kind.name, stateText(inGo, goneGo), stateText(inC, goneC))
		}
		if w.open = goneGo == 0; !w.open && (w.isOurs || w.kind.destroy == testc.CoreNothing) {
			c.free(w)
		}
	}
	if inGo, inC := testc.ProbeLog(testc.WayGo), testc.ProbeLog(testc.WayC); !slices.Equal(inGo, inC) {
		c.fail("ends by Go %x, by C %x", inGo, inC)
	}
	var misused [2]uint64
	for _, k := range c.kinds {
		inGo, inC := k.goType.Stats(), typeStats(k.coreID)
		misused[0] += inGo.Misused
		misused[1] += inC.Misused
		for _, s := range []*TypeStats{&inGo, &inC} {
			// Peaks are sampled; whose a stale handle was is known while its slot is empty.
			s.Name, s.LivePeak, s.BytesPeak, s.Misused = "", 0, 0, 0
		}
		if inGo != inC {
			c.fail("%s: counted %+v by Go, %+v by C", k.name, inGo, inC)
		}
	}
}

func stateText(state, gone uint64) string {
	return fmt.Sprintf("generation+%d flags %02x borrows %d", gone, state&stateFlags>>16, state&stateBorrows)
}

func addressOf(p *testc.Probe) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// finish ends everything that is left, in an order of its own.
func (c *conformance) finish() {
	c.steps = append(c.steps, "finish")
	for _, i := range c.random.Perm(len(c.twins)) {
		if w := c.twins[i]; w.open {
			c.willGive(w, 0)
		}
	}
	for i := len(c.twins) - 1; i >= 0; i-- {
		for w := c.twins[i]; len(w.loans) > 0; {
			c.giveBack(w)
			c.look()
		}
		c.close(c.twins[i])
		c.look()
	}
	for _, k := range c.kinds {
		if live := k.goType.Stats().Live + typeStats(k.coreID).Live; live != 0 {
			c.fail("%s: %d objects are left", k.name, live)
		}
	}
}

// Goal: the Go package, whose fast paths act on the slots themselves, and the core
// do the same. Method: the same random operations by both, on objects of every
// kind; after each, what they said, the states, the counters, and which
// destructors ran in which order are compared. BELAY_CONFORMANCE_SEQUENCES is
// how many; a failing one prints its seed and its steps.
func TestConformance(t *testing.T) {
	runtime.LockOSThread() // the core knows who holds a guard by the thread
	defer runtime.UnlockOSThread()
	sequences := 400
	if text := os.Getenv("BELAY_CONFORMANCE_SEQUENCES"); text != "" {
		if _, err := fmt.Sscan(text, &sequences); err != nil {
			t.Fatal(err)
		}
	} else if stressGC {
		sequences = 5
	}
	kinds := conformanceTypes(t)
	steps := 0
	for seed := range uint64(sequences) {
		t.Logf("seed %d", seed)
		c := &conformance{t: t, random: rand.New(rand.NewPCG(seed, 3)), kinds: kinds}
		for range 80 {
			c.step()
			c.look()
		}
		c.finish()
		steps += len(c.steps)
	}
	t.Logf("%d sequences, %d operations by each way", sequences, steps)
}
