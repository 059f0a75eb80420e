// SPDX-License-Identifier: MIT

// Command libraries holds memory of SQLite, libxml2 and zlib, each below its own function.
package main

/*
#cgo pkg-config: libxml-2.0 zlib
#include <stdlib.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <zlib.h>

static z_stream *open_stream(void) {
	z_stream *stream = calloc(1, sizeof *stream);
	deflateInit(stream, 6);
	return stream;
}
*/
import "C"

import (
	"database/sql"
	"fmt"
	"log"
	"os"
	"strings"
	"unsafe"

	_ "github.com/mattn/go-sqlite3"
)

func holdXML(count int) {
	text := "<shelf>" + strings.Repeat("<book id='1'><title>t</title></book>", 200) + "</shelf>"
	chars := C.CString(text)
	defer C.free(unsafe.Pointer(chars))
	for i := 0; i < count; i++ {
		if C.xmlReadMemory(chars, C.int(len(text)), nil, nil, 0) == nil {
			log.Fatal("no document")
		}
	}
}

func holdStreams(count int) {
	for i := 0; i < count; i++ {
		_ = C.open_stream()
	}
}

func holdTable(rows int) {
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, query := range []string{"CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
		fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "+
			"INSERT INTO t SELECT i, hex(randomblob(50)) FROM n", rows)} {
		if _, err := db.Exec(query); err != nil {
			log.Fatal(err)
		}
	}
}

func main() {
	switch os.Args[1] {
	case "xml":
		holdXML(50)
	case "zlib":
		holdStreams(20)
	case "sqlite":
		holdTable(50000)
	}
}
