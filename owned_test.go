// SPDX-License-Identifier: MIT

package belay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

func TestZeroOwned(t *testing.T) {
	var o belay.Owned[*testc.Thing]
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if err := o.CloseWait(context.Background()); err != nil {
		t.Error(err)
	}
	if err := o.Do(func(*testc.Thing) error { t.Error("called"); return nil }); !errors.Is(err, belay.ErrClosed) {
		t.Error(err)
	}
	b, err := o.Borrow()
	if !errors.Is(err, belay.ErrClosed) || b.Ptr() != nil {
		t.Error(err, b.Ptr())
	}
	b.Return()
	if _, err := o.Disown(); !errors.Is(err, belay.ErrClosed) {
		t.Error(err)
	}
	if err := o.Resize(1); !errors.Is(err, belay.ErrClosed) {
		t.Error(err)
	}
	if o.String() != "nothing" {
		t.Error(o)
	}
}

// Goal: what can't be done says which part of the call was wrong. Method: one of each.
func TestRefusedCallsSayWhy(t *testing.T) {
	var noType belay.Type[*testc.Thing]
	var noParent belay.Owned[*testc.Thing]
	o, _ := own(t, thingType)
	defer o.Close()
	p := new(testc.Thing)
	_, nilErr := thingType.Own(nil)
	_, typeErr := noType.Own(p)
	_, parentErr := thingType.Own(p, belay.ChildOf(noParent))
	for _, c := range []struct {
		err, want error
		text      string
	}{
		{nilErr, belay.ErrInvalid, "own thing: belay: an argument is not valid: the pointer is nil"},
		{typeErr, belay.ErrInvalid, "own ?: belay: an argument is not valid: the Type is the zero value: make one with NewType"},
		{parentErr, belay.ErrClosed, "own thing: belay: the object is closed: the parent is the zero Owned"},
		{o.Measure(), belay.ErrInvalid, "measure thing: belay: an argument is not valid: the type has no SizeFunc"},
	} {
		if !errors.Is(c.err, c.want) || c.err.Error() != c.text {
			t.Errorf("%v, want %s", c.err, c.text)
		}
	}
	if noType.Name() != "?" {
		t.Error(noType.Name())
	}
}

// Goal: the whole life, for every kind of destructor. Method: borrow, close
// twice, use after, and count the ends.
func TestLife(t *testing.T) {
	for _, kind := range []belay.Type[*testc.Thing]{thingType, cType} {
		t.Run(kind.Name(), func(t *testing.T) {
			o, gone := own(t, kind)
			b, err := o.Borrow()
			if err != nil {
				t.Fatal(err)
			}
			testc.ThingCall(b.Ptr(), 1)
			b.Return()
			if b.Ptr() != nil {
				t.Error("a pointer after Return")
			}
			calls := uint64(0)
			if err := o.Do(func(p *testc.Thing) error { calls = testc.ThingPeek(p); return nil }); err != nil || calls != 1 {
				t.Error(err, calls)
			}
			copied := o
			if err := o.Close(); err != nil || *gone != 1 {
				t.Error(err, *gone)
			}
			if err := copied.Close(); err != nil || *gone != 1 {
				t.Error(err, *gone)
			}
			if _, err := copied.Borrow(); !errors.Is(err, belay.ErrClosed) {
				t.Error(err)
			}
			var e *belay.Error
			if err := o.Do(nil); !errors.As(err, &e) || e.Op != "borrow" || e.Type != kind.Name() {
				t.Errorf("%#v", e)
			}
		})
	}
}

// Goal: a stale handle does not lend the name of another type. Method: own an
// object of another type in its slot.
func TestStaleHandleHasNoOtherName(t *testing.T) {
	first, _ := own(t, thingType)
	_ = first.Close()
	if text := first.String(); !strings.HasPrefix(text, "thing#") {
		t.Error(text)
	}
	_, slot, _ := strings.Cut(first.String(), "#")
	slot, _, _ = strings.Cut(slot, ".")
	second, _ := own(t, cType)
	defer second.Close()
	if !strings.HasPrefix(second.String(), "thing in C#"+slot+".") {
		t.Skip("the slot was not used again", first, second)
	}
	_, errBorrow := first.Borrow()
	_, errDisown := first.Disown()
	for _, text := range []string{first.String(), errBorrow.Error(), errDisown.Error(), first.Resize(1).Error()} {
		if strings.Contains(text, "thing") || !strings.Contains(text, "?") {
			t.Error(text)
		}
	}
}

// Goal: a stale handle is refused when its slot has another object. Method: own
// again at once, so that the slot is reused.
func TestStaleHandle(t *testing.T) {
	first, _ := own(t, thingType)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, gone := own(t, thingType)
	if first == second {
		t.Fatal("two objects have one handle")
	}
	if _, err := first.Borrow(); !errors.Is(err, belay.ErrClosed) {
		t.Error(err)
	}
	if err := first.Close(); err != nil || *gone != 0 {
		t.Error(err, *gone)
	}
	if err := second.Close(); err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
}

func TestHandleIsAValue(t *testing.T) {
	type wrapper struct{ belay.Owned[*testc.Thing] }
	o, gone := own(t, thingType)
	w := wrapper{o}
	seen := map[wrapper]bool{w: true}
	if !seen[wrapper{w.Owned}] {
		t.Error("a copy is another key")
	}
	var err error
	func() { defer belay.CloseInto(&err, w) }()
	if err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
	if opaque := belay.NewType[*testc.Opaque]("opaque"); opaque.Name() != "opaque" {
		t.Error(opaque.Name())
	}
}

func TestDisown(t *testing.T) {
	o, gone := own(t, thingType)
	b, _ := o.Borrow()
	if _, err := o.Disown(); !errors.Is(err, belay.ErrBusy) {
		t.Error(err)
	}
	b.Return()
	p, err := o.Disown()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil || *gone != 0 {
		t.Error(err, *gone)
	}
	testc.ThingEnd(p)
}

func TestResizeAndMeasure(t *testing.T) {
	size := uint64(1000)
	kind := belay.NewType[*testc.Thing]("measured", belay.Destroy(endThing),
		belay.SizeFunc(func(*testc.Thing) uint64 { return size }))
	o, _ := own(t, kind)
	if got := kind.Stats().LiveBytes; got != 1000 {
		t.Error(got)
	}
	size = 3000
	if err := o.Measure(); err != nil || kind.Stats().LiveBytes != 3000 {
		t.Error(err, kind.Stats().LiveBytes)
	}
	if err := o.Resize(10); err != nil || kind.Stats().LiveBytes != 10 {
		t.Error(err, kind.Stats().LiveBytes)
	}
	o.Close()
	if got := kind.Stats(); got.LiveBytes != 0 || got.Live != 0 || got.Opened != 1 || got.Closed != 1 {
		t.Errorf("%+v", got)
	}
	sized, _ := own(t, kind, belay.Size(77))
	if got := kind.Stats().LiveBytes; got != 77 {
		t.Error(got)
	}
	sized.Close()
}

// Goal: no text about an object holds an address. Method: look for the pointer
// in every way to print.
func TestTextsHaveNoAddress(t *testing.T) {
	o, _ := own(t, thingType)
	defer o.Close()
	var address string
	_ = o.Do(func(p *testc.Thing) error { address = fmt.Sprintf("%p", p); return nil })
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("it", "object", o)
	for _, text := range []string{fmt.Sprint(o), fmt.Sprintf("%+v", o), log.String()} {
		if strings.Contains(text, address[2:]) || strings.Contains(text, "0xc") || !strings.Contains(text, "thing") {
			t.Error(text)
		}
	}
}

// Goal: nothing on the common paths allocates. Method: testing.AllocsPerRun.
func TestNoAllocations(t *testing.T) {
	if raceOrAsan || os.Getenv("BELAY_STRESS") != "" {
		t.Skip("sanitizers and collections allocate")
	}
	belay.SetLevel(belay.LevelOff)
	defer belay.SetLevel(belay.LevelSampled)
	small := testc.MallocSmall()
	defer testc.FreeSmall(small)
	o, _ := nameType.Own(small)
	defer o.Close()
	parent, _ := own(t, thingType)
	defer parent.Close()
	var seen *testc.Small
	for name, f := range map[string]func(){
		"own and close": func() { n, _ := nameType.Own(small, belay.Size(3)); _ = n.Close() },
		"life":          func() { n, _ := smallType.Own(testc.MallocSmall()); borrowDefer(n); _ = n.Close() },
		"go destructor": func() { n, _ := thingType.Own(testc.ThingNew(nil, nil)); _ = n.Close() },
		"c destructor":  func() { n, _ := cType.Own(testc.ThingNew(nil, nil)); _ = n.Close() },
		"child":         func() { n, _ := cType.Own(testc.ThingNew(nil, nil), belay.ChildOf(parent)); _ = n.Close() },
		"borrow":        func() { b, _ := o.Borrow(); seen = b.Ptr(); b.Return() },
		"do":            func() { _ = o.Do(func(p *testc.Small) error { seen = p; return nil }) },
	} {
		if allocs := testing.AllocsPerRun(1000, f); allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
	_ = seen
}
