// SPDX-License-Identifier: MIT

package belay

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"
)

// What Copy and its kin say about the pointer they were given. Test with errors.Is.
var (
	ErrNil        = errors.New("nil pointer")
	ErrMisaligned = errors.New("misaligned pointer")
	ErrLength     = errors.New("length out of range")
)

// copyBytesMax is the address space of a process: a larger length is a misread one.
const copyBytesMax = 1 << 47

// A CopyOption loosens a rule of Copy.
type CopyOption uint8

// AllowOpaque copies bytes that cannot be looked into as they are: unions, bit fields, packed
// members. It is the caller's word that they hold no pointer, or that the copy's is not used
// after the original is gone. Pointers that can be seen stay refused.
const AllowOpaque CopyOption = 1

// Copy returns the value at p, which then lives in Go memory and is the collector's. C still
// owns the original: free it as the library says, or use CopyAndFree.
//
// T must be flat: numbers, and structs and arrays of them. Copy refuses what it cannot prove
// flat with a *LayoutError that names the field; docs/guide/copy.md tells what to do then.
// It does not see a C flexible array member, which cgo hides: the part before it is copied.
//
// Other errors: ErrNil, ErrMisaligned. The caller must keep C from writing to p meanwhile.
func Copy[T any](p *T, options ...CopyOption) (T, error) {
	var v T
	if err := copyCheck[T](unsafe.Pointer(p), options); err != nil {
		return v, err
	}
	copyBytes(&v, p)
	return v, nil
}

// CopyAndFree copies the value at p as Copy does and then calls free(p), once. On an error,
// free was not called and the caller still owns p.
func CopyAndFree[T any](p *T, free func(*T), options ...CopyOption) (T, error) {
	if free == nil {
		var v T
		return v, fmt.Errorf("belay: CopyAndFree of %v without a free function: %w", reflect.TypeFor[T](), ErrNil)
	}
	v, err := Copy(p, options...)
	if err == nil {
		free(p)
	}
	return v, err
}

// CopySlice returns the n values that begin at p. The rules are those of Copy; p may be nil
// when n is 0. C still owns the original.
//
// Other errors: ErrNil, ErrMisaligned, ErrLength (n is negative or more than memory can hold).
func CopySlice[T any](p *T, n int, options ...CopyOption) ([]T, error) {
	if n == 0 && p == nil {
		return nil, nil
	}
	if err := copyCheck[T](unsafe.Pointer(p), options); err != nil {
		return nil, err
	}
	if n < 0 || uint64(n) > copyBytesMax/uint64(max(1, unsafe.Sizeof(*p))) {
		return nil, fmt.Errorf("belay: cannot copy %d of %v: %w", n, reflect.TypeFor[T](), ErrLength)
	}
	return append([]T(nil), unsafe.Slice(p, n)...), nil
}

// CopyString returns the text in an array of C characters, which ends at the first zero byte
// or with the array: CopyString(v.name[:]). For a char * that surely ends with a zero byte
// there is C.GoString.
func CopyString[C ~int8 | ~uint8](chars []C) string {
	n := 0
	for n < len(chars) && chars[n] != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(chars))), n))
}

func copyCheck[T any](p unsafe.Pointer, options []CopyOption) error {
	known := layoutOf[T]()
	verdict := known.strict
	if verdict != nil && len(options) > 0 && options[0] == AllowOpaque {
		verdict = known.opaque
	}
	var one T
	switch {
	case verdict != nil:
		return verdict
	case p == nil:
		return fmt.Errorf("belay: cannot copy %v: %w", reflect.TypeFor[T](), ErrNil)
	case uintptr(p)%unsafe.Alignof(one) != 0:
		return fmt.Errorf("belay: cannot copy %v: %w: its alignment is %d", reflect.TypeFor[T](), ErrMisaligned,
			unsafe.Alignof(one))
	}
	return nil
}

// copyBytes moves all of a flat value, the blanks too, which an assignment may leave out.
func copyBytes[T any](to, from *T) {
	size := unsafe.Sizeof(*to)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(to)), size), unsafe.Slice((*byte)(unsafe.Pointer(from)), size))
}
