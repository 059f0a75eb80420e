// SPDX-License-Identifier: MIT

package belay_test

import (
	"fmt"
	"unsafe"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// A C library returned a struct that the caller must free: copy it, and be done with C.
func ExampleCopyAndFree() {
	p := testc.NewFlat() // *C.flat
	v, err := belay.CopyAndFree(p, testc.Free)
	fmt.Println(belay.CopyString(v.Name[:]), v.Weight, err)
	// Output: sixteen bytes ok 2.5 <nil>
}

// A struct with a pointer is refused, and the error names the field.
func ExampleCopy_refused() {
	var p testc.WithPointer
	_, err := belay.Copy(&p)
	fmt.Println(err.(*belay.LayoutError).Field)
	// Output: name
}

// Arguments for C live as long as the scope.
func ExampleNewScope() {
	s := belay.NewScope()
	defer s.Close()
	name := s.CString("belay")       // in a package with cgo: (*C.char)(s.CString("belay"))
	room := (*[4]int32)(s.Alloc(16)) // zeroed
	fmt.Println(unsafe.String((*byte)(name), 5), *room)
	// Output: belay [0 0 0 0]
}
