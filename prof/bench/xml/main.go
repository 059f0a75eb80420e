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
	"fmt"
	"log"
	"strings"
	"syscall"
	"time"
	"unsafe"
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

// cpu is the processor time of this process, which other work on the machine disturbs less.
func cpu() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func main() {
	count := flag.Int("n", 200000, "books")
	flag.Parse()
	text := "<shelf>" + strings.Repeat("<book id='1'><title>t</title></book>", books) + "</shelf>"
	chars := C.CString(text)
	defer C.free(unsafe.Pointer(chars))
	documents := max(*count/books, 1)
	read(chars, C.int(len(text)), documents/10)
	start, used := time.Now(), cpu()
	read(chars, C.int(len(text)), documents)
	used = cpu() - used
	elapsed := time.Since(start).Nanoseconds()
	done := float64(documents * books)
	fmt.Printf("%.3f %.3f\n", float64(used)/done, float64(elapsed)/done)
}
