// SPDX-License-Identifier: MIT

// Package readme is the README's example. A test compares the two.
package readme

/*
#cgo LDFLAGS: -lsqlite3
#include <sqlite3.h>

__attribute__((weak)) int drop_db(void *context, void *db) { return sqlite3_close(db); }
*/
import "C"

import (
	"fmt"

	"belay.example/belay"
)

var dbType = belay.NewType[*C.sqlite3]("sqlite3",
	belay.DestroyC(C.drop_db), belay.OnErrorKept()) // sqlite3_close may refuse: then it is still open

// A DB is an open database. It must be closed. Goroutines may share it.
type DB struct{ owned belay.Owned[*C.sqlite3] }

func Open(path string) (db DB, err error) {
	s := belay.NewScope() // C strings for this function
	defer s.Close()
	var p *C.sqlite3
	if code := C.sqlite3_open((*C.char)(s.CString(path)), &p); code != C.SQLITE_OK {
		err = fmt.Errorf("open %s: %s", path, C.GoString(C.sqlite3_errmsg(p)))
	} else {
		db.owned, err = dbType.Own(p) // from here on somebody is responsible for it
	}
	if err != nil {
		C.sqlite3_close(p) // still ours
	}
	return db, err
}

func (db DB) Changes() (n int, err error) {
	err = db.owned.Do(func(p *C.sqlite3) error { n = int(C.sqlite3_changes(p)); return nil })
	return n, err // ErrClosed after Close; never a dangling pointer
}

func (db DB) Close() error { return db.owned.Close() } // any number of times, from any goroutine
