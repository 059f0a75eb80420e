// SPDX-License-Identifier: MIT

// Command inline uses the hot paths; a test reads what the compiler says of it.
package main

import (
	"unsafe"

	"belay.example/belay"
)

var kind = belay.NewType[unsafe.Pointer]("inline")

func use(p unsafe.Pointer, parent belay.Owned[unsafe.Pointer]) (unsafe.Pointer, error) {
	o, err := kind.Own(p, belay.Size(5), belay.ChildOf(parent))
	if err != nil {
		return nil, err
	}
	defer o.Close()
	b, err := o.Borrow()
	if err != nil {
		return nil, err
	}
	defer b.Return()
	return b.Ptr(), nil
}

func main() {
	var none belay.Owned[unsafe.Pointer]
	_, _ = use(nil, none)
}
