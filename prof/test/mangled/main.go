// SPDX-License-Identifier: MIT

// Command mangled leaks from functions of C++ and Rust names.
package main

// #include "zoo.h"
import "C"

func main() {
	C.zoo_keep(100)
	C.zoo_rust(50)
	C.zoo_endless(20)
	C.zoo_nameless(10)
	C.zoo_slow(5)
}
