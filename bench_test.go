// SPDX-License-Identifier: MIT

package belay_test

import (
	"runtime"
	"runtime/cgo"
	"testing"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

var (
	nameType  = belay.NewType[*testc.Small]("bench name", belay.FixedSize(64))
	smallType = belay.NewType[*testc.Small]("bench small", belay.Free(), belay.FixedSize(64))
)

//go:noinline
func borrowDefer(o belay.Owned[*testc.Small]) *testc.Small {
	b, err := o.Borrow()
	if err != nil {
		panic(err)
	}
	defer b.Return()
	return b.Ptr()
}

func BenchmarkEmptyCall(b *testing.B) {
	for range b.N {
		testc.Empty(5)
	}
}

func BenchmarkBorrowReturn(b *testing.B) {
	o, _ := smallType.Own(testc.MallocSmall())
	defer o.Close()
	for range b.N {
		l, err := o.Borrow()
		if err != nil {
			b.Fatal(err)
		}
		_ = l.Ptr()
		l.Return()
	}
}

func BenchmarkBorrowDefer(b *testing.B) {
	o, _ := smallType.Own(testc.MallocSmall())
	defer o.Close()
	for range b.N {
		borrowDefer(o)
	}
}

func BenchmarkDo(b *testing.B) {
	o, _ := smallType.Own(testc.MallocSmall())
	defer o.Close()
	var seen *testc.Small
	for range b.N {
		_ = o.Do(func(p *testc.Small) error {
			seen = p
			return nil
		})
	}
	_ = seen
}

func BenchmarkOwnClose(b *testing.B) {
	p := testc.MallocSmall()
	for range b.N {
		o, err := nameType.Own(p)
		if err != nil {
			b.Fatal(err)
		}
		if err := o.Close(); err != nil {
			b.Fatal(err)
		}
	}
	testc.FreeSmall(p)
}

func BenchmarkCgoHandle(b *testing.B) {
	p := testc.MallocSmall()
	for range b.N {
		cgo.NewHandle(p).Delete()
	}
}

func BenchmarkLife(b *testing.B) {
	for range b.N {
		o, err := smallType.Own(testc.MallocSmall())
		if err != nil {
			b.Fatal(err)
		}
		borrowDefer(o)
		if err := o.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

type hand struct{ p *testc.Small }

func (h *hand) free() {
	if h.p != nil {
		testc.FreeSmall(h.p)
		h.p = nil
	}
}

func BenchmarkHandSetFinalizer(b *testing.B) {
	for range b.N {
		h := &hand{testc.MallocSmall()}
		runtime.SetFinalizer(h, (*hand).free)
		h.free()
		runtime.SetFinalizer(h, nil)
	}
}
