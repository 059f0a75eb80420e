// SPDX-License-Identifier: MIT

// Package sqlite is a small wrapper of SQLite that shows how to write one with Belay: its
// types are its own, Belay's handles stay inside them, and every result is copied into Go.
package sqlite

// #cgo LDFLAGS: -lsqlite3
// #include <sqlite3.h>
// #include "glue.h"
import "C"

import (
	"fmt"
	"unsafe"

	"belay.example/belay"
)

// A database that has statements left does not close: sqlite3_close says SQLITE_BUSY and the
// database lives on. A statement is gone after sqlite3_finalize, whose code only repeats how
// the last run ended.
var (
	dbType   = belay.NewType[*C.sqlite3]("sqlite3", belay.DestroyC(C.drop_db), belay.OnErrorKept())
	stmtType = belay.NewType[*C.sqlite3_stmt]("sqlite3_stmt", belay.DestroyC(C.drop_stmt),
		belay.OnErrorIgnore(), belay.GuardExclusive())
)

// An Error is a result code of SQLite with its message.
type Error struct {
	Code    int
	Message string
	SQL     string
}

func (e *Error) Error() string {
	if e.SQL == "" {
		return fmt.Sprintf("sqlite: %s (%d)", e.Message, e.Code)
	}
	return fmt.Sprintf("sqlite: %s (%d) in %q", e.Message, e.Code, e.SQL)
}

func fail(db *C.sqlite3, code C.int, sql string) error {
	return &Error{Code: int(code), Message: C.GoString(C.sqlite3_errmsg(db)), SQL: sql}
}

// A DB is an open database. It must be closed; that closes its statements first, and waits
// for the ones in use without making the caller wait. Goroutines may share it. The zero DB is
// closed.
type DB struct {
	owned belay.Owned[*C.sqlite3]
}

// Open opens the file, or makes it.
func Open(path string) (DB, error) {
	scope := belay.NewScope()
	defer scope.Close()
	var p *C.sqlite3
	code := C.sqlite3_open_v2((*C.char)(scope.CString(path)), &p,
		C.SQLITE_OPEN_READWRITE|C.SQLITE_OPEN_CREATE|C.SQLITE_OPEN_FULLMUTEX, nil)
	if code != C.SQLITE_OK {
		err := fail(p, code, "")
		C.sqlite3_close(p) // it made one all the same
		return DB{}, fmt.Errorf("%s: %w", path, err)
	}
	C.sqlite3_busy_timeout(p, 10_000)
	owned, err := dbType.Own(p)
	if err != nil {
		C.sqlite3_close(p)
		return DB{}, err
	}
	return DB{owned}, nil
}

// Exec runs statements that need no arguments.
func (db DB) Exec(sql string) error {
	return db.owned.Do(func(p *C.sqlite3) error {
		scope := belay.NewScope()
		defer scope.Close()
		var message *C.char
		code := C.sqlite3_exec(p, (*C.char)(scope.CString(sql)), nil, nil, &message)
		if code == C.SQLITE_OK {
			return nil
		}
		defer C.sqlite3_free(unsafe.Pointer(message))
		return &Error{Code: int(code), Message: C.GoString(message), SQL: sql}
	})
}

// Close closes the database. Closing again is no error.
func (db DB) Close() error { return db.owned.Close() }

// MemoryUsed returns the bytes that SQLite itself says it holds, in the whole process.
func MemoryUsed() int64 { return int64(C.sqlite3_memory_used()) }

// Version returns the version of the library.
func Version() string { return C.GoString(C.sqlite3_libversion()) }
