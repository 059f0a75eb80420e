// SPDX-License-Identifier: MIT

package belay_test

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// Goal: a flat C struct comes over whole, and the copy outlives the original.
// Method: a struct filled by C, with every flat kind of field, copied and freed.
func TestCopyFlat(t *testing.T) {
	v, err := belay.CopyAndFree(testc.NewFlat(), testc.Free)
	if err != nil {
		t.Fatal(err)
	}
	if got := belay.CopyString(v.Name[:]); got != "sixteen bytes ok" {
		t.Errorf("Name = %q", got)
	}
	if got := belay.CopyString(v.Address[1:]); got != "\x1b,\xff\x80\x01" {
		t.Errorf("Address = %q", got)
	}
	if v.Small[2] != -3 || v.Weight != 2.5 || v.Corners[1].Y != 7 || v.Inside.Deep.B != 12 || v.Color != 1 ||
		!bool(v.IsOn) || v.Length != math.MaxUint {
		t.Errorf("copied %+v", v)
	}
}

func refusal[T any]() error {
	var v T
	_, err := belay.Copy(&v)
	return err
}

func refusalDespiteOpaque[T any]() error {
	var v T
	_, err := belay.Copy(&v, belay.AllowOpaque)
	return err
}

// Goal: what cannot be proven flat is refused, with the path of the field and a way out.
// Method: structs made by cgo, one a reason; each asked twice, since verdicts are kept.
func TestCopyRefuses(t *testing.T) {
	type goString struct{ N, S string }
	cases := []struct {
		name    string
		strict  func() error
		opaque  func() error
		field   string // "-": not refused
		why     string
		despite string // the field refused even with AllowOpaque; "-": none
	}{
		{"flat", refusal[testc.Flat], refusalDespiteOpaque[testc.Flat], "-", "", "-"},
		{"number", refusal[int32], refusalDespiteOpaque[int32], "-", "", "-"},
		{"tail padding", refusal[testc.TailPadded], refusalDespiteOpaque[testc.TailPadded], "-", "", "-"},
		{"flexible", refusal[testc.Flexible], refusalDespiteOpaque[testc.Flexible], "-", "", "-"},
		{"union", refusal[testc.WithUnion], refusalDespiteOpaque[testc.WithUnion], "value", "AllowOpaque", "-"},
		{"bare union", refusal[testc.BareUnion], refusalDespiteOpaque[testc.BareUnion], "", "union", "-"},
		{"packed", refusal[testc.Packed], refusalDespiteOpaque[testc.Packed], "_", "12 bytes after tag", "-"},
		{"bits", refusal[testc.Bits], refusalDespiteOpaque[testc.Bits], "_", "4 bytes after x", "-"},
		{"pointer", refusal[testc.WithPointer], refusalDespiteOpaque[testc.WithPointer], "name", "a pointer", "name"},
		{"deep pointer", refusal[testc.WithDeepPointer], refusalDespiteOpaque[testc.WithDeepPointer],
			"grid[].cells[]", "void *", "grid[].cells[]"},
		{"function", refusal[testc.WithFunction], refusalDespiteOpaque[testc.WithFunction],
			"compare", "a function pointer", "compare"},
		// The one that AllowOpaque cannot help with comes first.
		{"both", refusal[testc.Mixed], refusalDespiteOpaque[testc.Mixed],
			"deep.name", "a pointer", "deep.name"},
		{"Go string", refusal[goString], refusalDespiteOpaque[goString], "N", "Go string", "N"},
		{"empty array", refusal[struct{ Tail [0]int32 }], refusalDespiteOpaque[struct{ Tail [0]int32 }],
			"Tail", "without a length", "Tail"},
		{"slice", refusal[[]byte], refusalDespiteOpaque[[]byte], "", "Go slice", ""},
	}
	for _, c := range cases {
		for range 2 {
			checkRefusal(t, c.name, c.strict(), c.field, c.why)
			checkRefusal(t, c.name+" despite AllowOpaque", c.opaque(), c.despite, "")
		}
	}
}

func checkRefusal(t *testing.T, name string, err error, field, why string) {
	t.Helper()
	if field == "-" {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	var layout *belay.LayoutError
	if !errors.As(err, &layout) {
		t.Errorf("%s: %v, want a LayoutError", name, err)
		return
	}
	if layout.Field != field || !strings.Contains(err.Error(), why) || layout.Type == nil {
		t.Errorf("%s: field %q: %v; want field %q because of %q", name, layout.Field, err, field, why)
	}
}

// Goal: AllowOpaque keeps every byte that Go cannot name.
// Method: C writes a union and bit fields, Go copies, C reads them from the copy.
func TestCopyOpaque(t *testing.T) {
	u := testc.MakeWithUnion(2.5)
	copied, err := belay.Copy(&u, belay.AllowOpaque)
	if got := testc.WithUnionReal(&copied); err != nil || got != 2.5 {
		t.Errorf("union: %v, %v", got, err)
	}
	b := testc.MakeBits(5, 21)
	bits, err := belay.Copy(&b, belay.AllowOpaque)
	if got := testc.BitsHigh(&bits); err != nil || got != 21 {
		t.Errorf("bits: %v, %v", got, err)
	}
	many, err := belay.CopySlice(&b, 1, belay.AllowOpaque)
	if got := testc.BitsHigh(&many[0]); err != nil || got != 21 {
		t.Errorf("bits in a slice: %v, %v", got, err)
	}
}

// Goal: bad pointers are errors of their own kind, and then the original is not freed.
// Method: nil, an odd address and a pointer field, each with a free that counts.
func TestCopyBadPointer(t *testing.T) {
	frees := 0
	free := func(*testc.Point) { frees++ }
	if _, err := belay.CopyAndFree(nil, free); !errors.Is(err, belay.ErrNil) {
		t.Errorf("nil: %v", err)
	}
	var room [16]byte
	odd := (*testc.Point)(unsafe.Pointer(&room[1+uintptr(unsafe.Pointer(&room[0]))%2]))
	if _, err := belay.CopyAndFree(odd, free); !errors.Is(err, belay.ErrMisaligned) {
		t.Errorf("misaligned: %v", err)
	}
	if _, err := belay.CopyAndFree(new(testc.Point), nil); !errors.Is(err, belay.ErrNil) {
		t.Errorf("no free: %v", err)
	}
	_, err := belay.CopyAndFree(new(testc.WithPointer), func(*testc.WithPointer) { frees++ })
	if frees != 0 || err == nil {
		t.Errorf("freed %d times, %v", frees, err)
	}
	if _, err := belay.CopyAndFree(new(testc.Point), free); err != nil || frees != 1 {
		t.Errorf("good one: freed %d times, %v", frees, err)
	}
}

// Goal: a C array becomes a slice of its own memory; impossible lengths are refused.
// Method: an array made by C, changed after the copy; lengths of 0, -1 and too much.
func TestCopySlice(t *testing.T) {
	p := testc.NewPoints(1000)
	points, err := belay.CopySlice(p, 1000)
	p.Y = 99
	testc.Free(p)
	if err != nil || len(points) != 1000 || points[0].Y != 0 || points[999].X != 999 || points[999].Y != -999 {
		t.Fatalf("%d points, %v", len(points), err)
	}
	if none, err := belay.CopySlice[testc.Point](nil, 0); none != nil || err != nil {
		t.Errorf("nothing: %v, %v", none, err)
	}
	if _, err := belay.CopySlice[testc.Point](nil, 1); !errors.Is(err, belay.ErrNil) {
		t.Errorf("nil: %v", err)
	}
	for _, n := range []int{-1, math.MinInt, math.MaxInt, 1 << 46} {
		if _, err := belay.CopySlice(&points[0], n); !errors.Is(err, belay.ErrLength) {
			t.Errorf("length %d: %v", n, err)
		}
	}
	if _, err := belay.CopySlice(new(testc.WithPointer), 1); err == nil {
		t.Error("copied pointers")
	}
}

// Goal: a text ends at its zero byte or with its array.
func TestCopyString(t *testing.T) {
	if got := belay.CopyString([]int8{'o', 'k', 0, 'x'}); got != "ok" {
		t.Errorf("%q", got)
	}
	if got := belay.CopyString([]uint8{'a', 'b'}); got != "ab" {
		t.Errorf("%q", got)
	}
	if got := belay.CopyString([]int8(nil)); got != "" {
		t.Errorf("%q", got)
	}
}

// Goal: verdicts are right when many goroutines ask for the first time, and when types meet
// in one place of the cache.
// Method: goroutines ask for types with and without pointers in turn.
func TestCopyConcurrent(t *testing.T) {
	var group sync.WaitGroup
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 1000 {
				good := []error{refusal[[3]int16](), refusal[[4]int16](), refusal[testc.Point](), refusal[struct{ A, B int }]()}
				bad := []error{refusal[[3]*int16](), refusal[[4]*int16](), refusal[*testc.Point](), refusal[struct{ A, B *int }]()}
				for i := range good {
					if good[i] != nil || bad[i] == nil {
						t.Errorf("%d: good %v, bad %v", i, good[i], bad[i])
						return
					}
				}
			}
		}()
	}
	group.Wait()
}

func BenchmarkCopyPoint(b *testing.B) {
	p := testc.NewPoints(1)
	defer testc.Free(p)
	for b.Loop() {
		if v, err := belay.Copy(p); err != nil || v.X != 0 {
			b.Fatal(err)
		}
	}
}
