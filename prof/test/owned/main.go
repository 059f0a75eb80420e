// SPDX-License-Identifier: MIT

// Command owned holds Belay objects of known types at known lines and waits to be killed. It
// prints one line for each line of Go and type: function, type, live blocks with that type.
// Then it ends with everything open when -end is given, and opens and closes nodes without
// end for -churn.
package main

/*
#cgo LDFLAGS: -lsqlite3
#include <sqlite3.h>
#include <stdlib.h>

typedef struct node { struct node *next; char text[88]; } node;
typedef struct pair { node first, second; } pair;

static node *node_new(void) { return calloc(1, sizeof(node)); }
static pair *pair_new(void) { return calloc(1, sizeof(pair)); }

// Without the pool that a connection else gives its statements from.
static sqlite3 *db_new(void) {
	sqlite3 *db = NULL;
	if (sqlite3_open(":memory:", &db) == SQLITE_OK) {
		sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
	}
	return db;
}

static sqlite3_stmt *stmt_new(sqlite3 *db) {
	sqlite3_stmt *stmt = NULL;
	sqlite3_prepare_v2(db, "SELECT 1", -1, &stmt, NULL);
	return stmt;
}
*/
import "C"

import (
	"flag"
	"fmt"
	"log"
	"os"
	"runtime/pprof"
	"time"
	"unsafe"

	"belay.example/belay"
)

var (
	nodeType   = belay.NewType[*C.node]("node", belay.Destroy(func(p *C.node) error { C.free(unsafe.Pointer(p)); return nil }))
	otherType  = belay.NewType[*C.node]("other node", belay.Destroy(func(p *C.node) error { C.free(unsafe.Pointer(p)); return nil }))
	pairType   = belay.NewType[*C.pair]("pair", belay.Destroy(func(p *C.pair) error { C.free(unsafe.Pointer(p)); return nil }))
	pooledType = belay.NewType[*C.node]("pooled node", belay.Destroy(func(*C.node) error { return nil }))
	firstType  = belay.NewType[*C.node]("first", belay.Destroy(func(p *C.node) error { return nil }))
	dbType     = belay.NewType[*C.sqlite3]("sqlite3", belay.Destroy(func(p *C.sqlite3) error { C.sqlite3_close(p); return nil }))
	stmtType   = belay.NewType[*C.sqlite3_stmt]("sqlite3_stmt", belay.Destroy(func(p *C.sqlite3_stmt) error { C.sqlite3_finalize(p); return nil }))
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// kept is what stays open: nothing of it may be collected.
var kept []any

// mixed has one C stack for blocks of two types, closed ones, disowned ones and ones that
// were never owned.
//
//go:noinline
func mixed() {
	for i := range 1000 {
		p := C.node_new()
		switch {
		case i%10 == 0: // 100 never owned
		case i%10 == 1: // 100 of another type
			kept = append(kept, must(otherType.Own(p)))
		case i%10 == 2: // 100 disowned
			must(must(nodeType.Own(p)).Disown())
		case i%10 == 3: // 100 gone
			check(must(nodeType.Own(p)).Close())
		default:
			kept = append(kept, must(nodeType.Own(p)))
		}
	}
}

// pairs has two objects at one address: the outer one gives the type, also below a parent of
// its own and in a row that was used more often.
//
//go:noinline
func pairs() {
	top := must(pairType.Own(C.pair_new()))
	kept = append(kept, top)
	for i := range 69 {
		for range 3 {
			check(must(nodeType.Own(C.node_new())).Close())
		}
		p := C.pair_new()
		var below []belay.OwnOption
		if i%2 == 0 {
			below = append(below, belay.ChildOf(top))
		}
		outer := must(pairType.Own(p, below...))
		kept = append(kept, outer, must(firstType.Own(&p.first, belay.ChildOf(outer))))
	}
}

// pool is one block with a head of 16 bytes and the nodes behind it: no node's own.
//
//go:noinline
func pool() {
	p := C.calloc(1, 16+10*C.sizeof_node)
	for i := range uintptr(10) {
		kept = append(kept, must(pooledType.Own((*C.node)(unsafe.Add(p, 16+i*C.sizeof_node)))))
	}
}

//go:noinline
func databases() (open []belay.Owned[*C.sqlite3]) {
	for i := range 8 {
		db := must(dbType.Own(C.db_new()))
		if i < 3 {
			check(db.Close())
			continue
		}
		open = append(open, db)
	}
	return open
}

//go:noinline
func statements(db belay.Owned[*C.sqlite3]) {
	for i := range 20 {
		var p *C.sqlite3_stmt
		check(db.Do(func(raw *C.sqlite3) error { p = C.stmt_new(raw); return nil }))
		stmt := must(stmtType.Own(p, belay.ChildOf(db)))
		if i%4 == 0 {
			check(stmt.Close())
			continue
		}
		kept = append(kept, stmt)
	}
}

//go:noinline
func churnNodes() *C.node { return C.node_new() }

//go:noinline
func churnOthers() *C.node { return C.node_new() }

// churn keeps 5000 objects and replaces all of them some ten times a second, each by one of
// the other type, which gets its memory.
func churn() {
	var window [5000]belay.Owned[*C.node]
	for i := 0; ; i++ {
		slot := i % len(window)
		check(window[slot].Close())
		if (i/len(window)+i)%2 == 0 {
			window[slot] = must(nodeType.Own(churnNodes()))
		} else {
			window[slot] = must(otherType.Own(churnOthers()))
		}
		if i%50 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

func main() {
	isEnding := flag.Bool("end", false, "do not wait to be killed")
	isChurning := flag.Bool("churn", false, "open and close without end")
	heap := flag.String("heap", "", "write the Go heap profile to this file")
	flag.Parse()
	mixed()
	pairs()
	pool()
	for _, db := range databases() {
		kept = append(kept, db)
		statements(db)
	}
	fmt.Print("main.mixed\tnode\t600\n" +
		"main.mixed\tother node\t100\n" +
		"main.pairs\tpair\t70\n" +
		"main.databases\tsqlite3\t5\n" +
		"main.statements\tsqlite3_stmt\t75\n" +
		"done\n")
	if *heap != "" {
		file := must(os.Create(*heap))
		check(pprof.Lookup("heap").WriteTo(file, 0))
		check(file.Close())
	}
	if *isChurning {
		churn()
	}
	if !*isEnding {
		select {}
	}
}
