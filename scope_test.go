// SPDX-License-Identifier: MIT

package belay_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"belay.example/belay"
)

// scopeStats are the counters of the scopes' memory.
func scopeStats() belay.TypeStats {
	for _, row := range belay.ReadStats().Types {
		if row.Name == "belay.Scope" {
			return row
		}
	}
	return belay.TypeStats{}
}

type closer func() error

func (c closer) Close() error { return c() }

// Goal: what a scope hands out is C memory of the right content, size and alignment, apart
// from all else it handed out.
// Method: pieces of sizes around the block sizes, each filled, all compared at the end.
func TestScopeMemory(t *testing.T) {
	before := scopeStats()
	s := belay.NewScope()
	var pieces [][]byte
	for _, size := range []int{0, 1, 3, 16, 255, 300, 900, 1023, 1024, 1025, 4096, 5000, 1 << 20} {
		p := s.Alloc(size)
		if p == nil || uintptr(p)%16 != 0 {
			t.Fatalf("Alloc(%d) = %v", size, p)
		}
		piece := unsafe.Slice((*byte)(p), size)
		if bytes.ContainsFunc(piece, func(r rune) bool { return r != 0 }) {
			t.Errorf("Alloc(%d) is not zero", size)
		}
		for i := range piece {
			piece[i] = byte(len(pieces) + 1)
		}
		pieces = append(pieces, piece)
		text := strings.Repeat("x", size)
		c := unsafe.Slice((*byte)(s.CString(text)), size+1)
		if string(c[:size]) != text || c[size] != 0 {
			t.Errorf("CString of %d bytes is wrong", size)
		}
		if b := s.CBytes([]byte(text)); b == nil || string(unsafe.Slice((*byte)(b), size)) != text {
			t.Errorf("CBytes of %d bytes is wrong", size)
		}
	}
	for i, piece := range pieces {
		if len(piece) > 0 && !bytes.Equal(piece, bytes.Repeat([]byte{byte(i + 1)}, len(piece))) {
			t.Errorf("piece %d was overwritten", i)
		}
	}
	if now := scopeStats(); now.LiveBytes-before.LiveBytes < 3<<20 {
		t.Errorf("%d bytes accounted", now.LiveBytes-before.LiveBytes)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if now := scopeStats(); now.Live != before.Live || now.LiveBytes != before.LiveBytes {
		t.Errorf("left %d blocks, %d bytes", now.Live-before.Live, now.LiveBytes-before.LiveBytes)
	}
}

// Goal: closers run last first, before the memory goes; their errors are joined; once.
func TestScopeClose(t *testing.T) {
	var s belay.Scope
	var order []string
	first, second := errors.New("first"), errors.New("second")
	text := s.CString("still here")
	s.Add(closer(func() error { order = append(order, "first"); return first }))
	s.Add(closer(func() error {
		order = append(order, belay.CopyString(unsafe.Slice((*byte)(text), 16)))
		return second
	}))
	err := s.Close()
	if !errors.Is(err, first) || !errors.Is(err, second) {
		t.Errorf("Close: %v", err)
	}
	if want := []string{"still here", "first"}; !reflect.DeepEqual(order, want) {
		t.Errorf("closed %q, want %q", order, want)
	}
	if err := s.Close(); err != nil || len(order) != 2 {
		t.Errorf("second Close: %v, closed %q", err, order)
	}
}

// Goal: a closed scope, a bad length, no closer and no memory are refused by a panic that says so.
func TestScopeRefuses(t *testing.T) {
	closed := belay.NewScope()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	open := belay.NewScope()
	defer open.Close()
	for _, c := range []struct {
		want error
		text string
		call func()
	}{
		{belay.ErrClosed, "CString after Close", func() { closed.CString("x") }},
		{belay.ErrClosed, "CBytes after Close", func() { closed.CBytes(nil) }},
		{belay.ErrClosed, "Alloc after Close", func() { closed.Alloc(1) }},
		{belay.ErrClosed, "Add after Close", func() { closed.Add(io.NopCloser(nil)) }},
		{belay.ErrLength, "Alloc of -1 bytes", func() { open.Alloc(-1) }},
		{belay.ErrInvalid, "Add of nil", func() { open.Add(nil) }},
	} {
		checkPanic(t, c.want, c.text, c.call)
	}
	open.CString("still works")
}

func checkPanic(t *testing.T, want error, text string, call func()) {
	t.Helper()
	defer func() {
		err, _ := recover().(error)
		if !errors.Is(err, want) || !strings.Contains(fmt.Sprint(err), text) {
			t.Errorf("%s: panic(%v)", text, err)
		}
	}()
	call()
}

// Goal: when a closer panics, the rest is closed and the memory freed all the same.
func TestScopePanic(t *testing.T) {
	before := scopeStats()
	s := belay.NewScope()
	closed := 0
	s.Add(closer(func() error { closed++; return nil }))
	s.Add(closer(func() error { panic("mine") }))
	s.Add(closer(func() error { closed++; return nil }))
	func() {
		defer func() {
			if p := recover(); p != "mine" {
				t.Errorf("panic(%v)", p)
			}
		}()
		_ = s.Close()
	}()
	if now := scopeStats(); closed != 2 || now.Live != before.Live {
		t.Errorf("%d closed, %d blocks left", closed, now.Live-before.Live)
	}
}

// Goal: goroutines may share a scope, also while it closes.
// Method: each takes memory and adds closers until it is refused; all added must be closed.
func TestScopeConcurrent(t *testing.T) {
	before := scopeStats()
	for range 50 {
		s := belay.NewScope()
		var mutex sync.Mutex
		added, closed := 0, 0
		var group sync.WaitGroup
		for g := range 4 {
			group.Add(1)
			go func() {
				defer group.Done()
				defer func() {
					if p := recover(); p != nil && !errors.Is(p.(error), belay.ErrClosed) {
						t.Error(p)
					}
				}()
				for i := range 1000 {
					text := unsafe.Slice((*byte)(s.CString(strings.Repeat("y", i%300))), 1)
					_ = text
					s.Add(closer(func() error { mutex.Lock(); closed++; mutex.Unlock(); return nil }))
					mutex.Lock()
					added++
					mutex.Unlock()
					if g == 0 && i == 100 {
						if err := s.Close(); err != nil {
							t.Error(err)
						}
					}
				}
			}()
		}
		group.Wait()
		if added != closed {
			t.Errorf("%d added, %d closed", added, closed)
		}
	}
	if now := scopeStats(); now.Live != before.Live {
		t.Errorf("%d blocks left", now.Live-before.Live)
	}
}

//go:noinline
func forgetScopes(n int) {
	for range n {
		belay.NewScope().CString("forgotten")
	}
}

// Goal: the collector frees forgotten scopes and says which line opened them.
func TestScopeForgotten(t *testing.T) {
	before := scopeStats()
	var mutex sync.Mutex
	lines, told := map[string]uint64{}, uint64(0)
	stop := belay.OnReport(func(r belay.Report) {
		if r.Kind == belay.ReportRescue && r.Type == "belay.Scope" {
			mutex.Lock()
			defer mutex.Unlock()
			lines[r.Opened.Line] += r.Count
			told += r.Count
		}
	})
	defer stop()
	forgetScopes(100)
	blocks := scopeStats().Opened - before.Opened // one each; two under the address sanitizer
	mutex.Lock()
	defer mutex.Unlock()
	for range 1000 {
		if told == blocks {
			break
		}
		mutex.Unlock()
		runtime.GC()
		time.Sleep(time.Millisecond)
		belay.FlushReports()
		mutex.Lock()
	}
	now := scopeStats()
	if blocks < 100 || now.Rescued-before.Rescued != blocks || now.Live != before.Live {
		t.Errorf("%d opened, %d rescued, %d left", blocks, now.Rescued-before.Rescued, now.Live-before.Live)
	}
	for line, n := range lines {
		if n != blocks || !strings.Contains(line, "forgetScopes") || !strings.Contains(line, "scope_test.go:") {
			t.Errorf("%d of %d reported as opened at %q", n, blocks, line)
		}
	}
	if len(lines) != 1 {
		t.Errorf("reported as opened at %d lines", len(lines))
	}
}

func BenchmarkScopeCString(b *testing.B) {
	for b.Loop() {
		s := belay.NewScope()
		s.CString("one")
		s.CString("two")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
