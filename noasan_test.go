// SPDX-License-Identifier: MIT

// What the address sanitizer would not have: its checks allocate, and it ends a program that
// asks for too much.
//go:build !asan

package belay_test

import (
	"testing"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// Goal: asking again costs no allocation, refused or not.
func TestCopyAllocates(t *testing.T) {
	var point testc.Point
	var pointer testc.WithPointer
	if n := testing.AllocsPerRun(100, func() {
		if _, err := belay.Copy(&point, belay.AllowOpaque); err != nil {
			t.Error(err)
		}
		if _, err := belay.Copy(&pointer); err == nil {
			t.Error("copied a pointer")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Goal: running out of memory is a panic that says so, and leaves the scope usable.
func TestScopeOutOfMemory(t *testing.T) {
	s := belay.NewScope()
	checkPanic(t, belay.ErrOutOfMemory, "Alloc of 4611686018427387904 bytes", func() { s.Alloc(1 << 62) })
	s.CString("still works")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
