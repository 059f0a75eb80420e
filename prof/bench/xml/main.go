// SPDX-License-Identifier: MIT

// Command xml times libxml2 on documents that are read and freed; it prints the nanoseconds a
// book in them of processor time, and of the clock on the wall. A book takes five blocks.
package main

/*
#cgo pkg-config: libxml-2.0
#include <stdlib.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
*/
import "C"

import (
	"flag"
	"log"
	"strings"
	"unsafe"

	"belay.example/belay/prof/bench/timed"
)

const books = 200 // in a document

func read(text *C.char, length C.int, count int) {
	for i := 0; i < count; i++ {
		document := C.xmlReadMemory(text, length, nil, nil, 0)
		if document == nil {
			log.Fatal("no document")
		}
		C.xmlFreeDoc(document)
	}
}

func main() {
	count := flag.Int("n", 200000, "books")
	flag.Parse()
	text := "<shelf>" + strings.Repeat("<book id='1'><title>t</title></book>", books) + "</shelf>"
	chars := C.CString(text)
	defer C.free(unsafe.Pointer(chars))
	documents := max(*count/books, 1)
	read(chars, C.int(len(text)), documents/10)
	timed.Print(documents*books, func() { read(chars, C.int(len(text)), documents) })
}
