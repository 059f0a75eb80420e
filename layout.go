// SPDX-License-Identifier: MIT

package belay

import (
	"fmt"
	"reflect"
	"strconv"
	"sync/atomic"
	"unsafe"
)

// A LayoutError says why values of a type cannot be copied by their bytes: the field it names
// leads out of the value, or may do so.
type LayoutError struct {
	Type  reflect.Type // the type that was to be copied
	Field string       // path of the field, like "in.names[].next"; "" is the value itself
	Why   string       // what is wrong with it and what to do
}

// Error names the type, the field and the reason.
func (e *LayoutError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("belay: cannot copy %v: it is %s", e.Type, e.Why)
	}
	return fmt.Sprintf("belay: cannot copy %v: field %s is %s", e.Type, e.Field, e.Why)
}

// A layout is what is known about copying one type. It is made once and kept.
type layout struct {
	word   uintptr      // the type's address, the key in layoutCache
	strict *LayoutError // nil: flat, proven
	opaque *LayoutError // nil: flat, when opaque bytes are taken at the caller's word
}

// layoutCache is a direct-mapped cache: a type that finds another one in its place is worked
// out again, at the cost of some microseconds. Exact for the few types a program copies, a
// load and a compare to ask, and no lock. If many types ever fight over places, make it a
// copied-on-write map.
var layoutCache [1024]atomic.Pointer[layout]

// layoutOf returns the layout of T. It reads the type's address from an interface value,
// whose first word it is; types neither move nor go away.
func layoutOf[T any]() *layout {
	var boxed any = (*T)(nil)
	word := *(*uintptr)(unsafe.Pointer(&boxed))
	place := &layoutCache[(word>>4^word>>14)%uintptr(len(layoutCache))]
	if known := place.Load(); known != nil && known.word == word {
		return known
	}
	made := layoutRead(reflect.TypeFor[T]())
	made.word = word
	place.Store(made)
	return made
}

func layoutRead(t reflect.Type) *layout {
	reader := layoutReader{root: t}
	reader.read(t, "")
	made := &layout{strict: reader.pointer, opaque: reader.pointer}
	if made.strict == nil {
		made.strict = reader.bytes
	}
	return made
}

// A layoutReader walks a type and keeps the first field of each kind that stands in the way.
type layoutReader struct {
	root    reflect.Type
	pointer *LayoutError // leads out of the value; nothing allows it
	bytes   *LayoutError // cannot be looked into; AllowOpaque allows it
}

func (r *layoutReader) refuse(first **LayoutError, path, why string) {
	if *first == nil {
		*first = &LayoutError{Type: r.root, Field: path, Why: why}
	}
}

func (r *layoutReader) read(t reflect.Type, path string) {
	switch t.Kind() {
	case reflect.Struct:
		r.readStruct(t, path)
	case reflect.Array:
		switch {
		case isOpaque(t):
			r.refuse(&r.bytes, path, opaqueWhy(t))
		case t.Len() == 0:
			r.refuse(&r.pointer, path, "an array without a length: its elements lie behind the value; copy them with CopySlice")
		default:
			r.read(t.Elem(), path+"[]")
		}
	case reflect.Pointer:
		if isOpaque(t.Elem()) && t.Elem().Len() == 0 {
			r.refuse(&r.pointer, path, "a function pointer or a pointer to a type without a definition")
			return
		}
		r.refuse(&r.pointer, path, "a pointer ("+t.String()+"): copy what it points to on its own")
	case reflect.UnsafePointer:
		r.refuse(&r.pointer, path, "a pointer (void * in C): copy what it points to on its own")
	case reflect.Func, reflect.Chan, reflect.Map, reflect.Slice, reflect.String, reflect.Interface:
		r.refuse(&r.pointer, path, "a Go "+t.Kind().String()+", which C memory must not hold")
	}
	// The other kinds are numbers: flat.
}

func (r *layoutReader) readStruct(t reflect.Type, path string) {
	before := "the beginning"
	for i := range t.NumField() {
		field := t.Field(i)
		at := field.Name
		if path != "" {
			at = path + "." + at
		}
		if field.Name != "_" {
			before = field.Name
			r.read(field.Type, at)
			continue
		}
		// Blanks at the end that alignment explains are padding; they are too short for a pointer.
		if isPadding := i == t.NumField()-1 && field.Type.Size() < uintptr(t.Align()); !isPadding {
			r.refuse(&r.bytes, at, strconv.Itoa(int(field.Type.Size()))+" bytes after "+before+
				" that cgo cannot show (bit fields, packed or over-aligned members); AllowOpaque copies them as they are")
		}
	}
}

// isOpaque tells the byte arrays that cgo puts in place of what Go cannot express (unions,
// 128-bit integers, blanks): their element is Go's own uint8, that of a C array is a C type.
func isOpaque(t reflect.Type) bool {
	return t.Kind() == reflect.Array && t.Elem() == reflect.TypeFor[uint8]()
}

func opaqueWhy(t reflect.Type) string {
	return "a [" + strconv.Itoa(t.Len()) + "]uint8, which is how cgo shows a union: it may hold a pointer; " +
		"AllowOpaque copies it as it is"
}
