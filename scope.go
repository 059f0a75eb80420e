// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"unsafe"
)

// A Scope holds C memory and other things that end together:
//
//	s := belay.NewScope()
//	defer s.Close()
//	C.open((*C.char)(s.CString(path)), &handle)
//
// Close closes what was added, last first, and then frees the memory, so that no closer finds
// a string gone. Memory comes as unsafe.Pointer, since each package has a C.char of its own.
// Goroutines may share a Scope. The zero Scope is ready to use.
//
// The memory shows in the statistics as type "belay.Scope", counted in blocks, which small
// pieces share. A forgotten Scope is found by the collector, its memory freed and reported with
// the line of NewScope; a pointer into it does not keep it alive. Using a closed Scope panics, with an
// error that wraps ErrClosed: there is no pointer to return, and nil would crash in C. So does
// running out of memory (ErrOutOfMemory) and a length that is negative (ErrLength).
type Scope struct {
	mutex    sync.Mutex
	closers  []io.Closer
	blocks   []Owned[unsafe.Pointer]
	first    [1]Owned[unsafe.Pointer] // room for the blocks of most scopes
	next     unsafe.Pointer           // free part of the last shared block
	left     uintptr
	isClosed bool
}

const (
	scopeBlockFirst = 1 << 10 // bytes; most scopes hold a few names
	scopeBlockMore  = 4 << 10
	scopeAlign      = 16 // malloc's
)

// scopeType is made at its first use, after the core was started.
var scopeType = sync.OnceValue(func() Type[unsafe.Pointer] {
	return NewType[unsafe.Pointer]("belay.Scope", Free(), NetExact())
})

// NewScope returns an empty Scope. It must be closed.
func NewScope() *Scope {
	s := new(Scope)
	// Here, so that the block is known by the line that opened the scope. Without memory,
	// the first use tries again.
	if p := calloc(scopeBlockFirst); p != nil {
		if block, err := scopeType().Own(p, Size(scopeBlockFirst)); err == nil {
			s.first[0], s.blocks = block, s.first[:1]
			s.next, s.left = p, scopeBlockFirst
		} else {
			free(uintptr(p))
		}
	}
	return s
}

// CString copies text into C memory, with a zero byte behind it. The scope owns it.
func (s *Scope) CString(text string) unsafe.Pointer {
	s.mutex.Lock()
	defer s.mutex.Unlock() // not before the bytes are there: Close may free them
	p := s.take("CString", len(text)+1, 1)
	to := unsafe.Slice((*byte)(p), len(text)+1)
	copy(to, text)
	to[len(text)] = 0
	return p
}

// CBytes copies bytes into C memory. The scope owns the copy; it is never nil.
func (s *Scope) CBytes(bytes []byte) unsafe.Pointer {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	p := s.take("CBytes", len(bytes), scopeAlign)
	copy(unsafe.Slice((*byte)(p), len(bytes)), bytes)
	return p
}

// Alloc returns size bytes of zeroed C memory, aligned as malloc does. The scope owns them;
// the pointer is never nil.
func (s *Scope) Alloc(size int) unsafe.Pointer {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.take("Alloc", size, scopeAlign) // blocks come zeroed and are never used twice
}

// Add has the scope close c. It panics when the scope is closed, c being the caller's still,
// and when c is nil.
func (s *Scope) Add(c io.Closer) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.mustBeOpen("Add")
	if c == nil {
		panic(fmt.Errorf("belay: Scope.Add of nil: %w", ErrInvalid))
	}
	s.closers = append(s.closers, c)
}

// Close closes and frees everything, and returns the joined errors of the closers. If one
// panics, the rest is closed all the same. Closing again returns nil at once.
func (s *Scope) Close() (err error) {
	s.mutex.Lock()
	closers, blocks := s.closers, s.blocks
	s.closers, s.blocks, s.next, s.left, s.isClosed = nil, nil, nil, 0, true
	s.mutex.Unlock()
	defer func() {
		for _, block := range blocks {
			err = errors.Join(err, block.Close())
		}
	}()
	return closeLastFirst(closers)
}

func closeLastFirst(closers []io.Closer) (err error) {
	defer func() {
		if len(closers) > 0 { // one panicked
			err = errors.Join(err, closeLastFirst(closers))
		}
	}()
	for len(closers) > 0 {
		last := closers[len(closers)-1]
		closers = closers[:len(closers)-1]
		err = errors.Join(err, last.Close())
	}
	return err
}

func (s *Scope) mustBeOpen(method string) {
	if s.isClosed {
		panic(fmt.Errorf("belay: Scope.%s after Close: %w", method, ErrClosed))
	}
}

// take returns size bytes, from the shared block when they fit. The mutex is held. It is one
// function, since a site is found by the last few calls before Own.
func (s *Scope) take(method string, size int, align uintptr) unsafe.Pointer {
	if size < 0 {
		panic(fmt.Errorf("belay: Scope.%s of %d bytes: %w", method, size, ErrLength))
	}
	s.mustBeOpen(method)
	need := max(1, uintptr(size))
	skip := -uintptr(s.next) & (align - 1)
	if s.left >= skip+need && !asanEnabled {
		p := unsafe.Add(s.next, skip)
		s.next, s.left = unsafe.Add(p, need), s.left-skip-need
		return p
	}
	// Large pieces are blocks of their own, and so is every piece where a sanitizer looks for
	// overruns.
	isShared := need <= scopeBlockMore/4 && !asanEnabled
	room := need
	if isShared {
		room = scopeBlockMore
	}
	p := calloc(room)
	if p == nil {
		panic(fmt.Errorf("belay: Scope.%s of %d bytes: %w", method, size, ErrOutOfMemory))
	}
	block, err := scopeType().Own(p, Size(uint64(room)))
	if err != nil {
		free(uintptr(p))
		panic(fmt.Errorf("belay: Scope.%s of %d bytes: %w", method, size, err))
	}
	s.blocks = append(s.blocks, block)
	if isShared {
		s.next, s.left = unsafe.Add(p, need), room-need
	}
	return p
}
