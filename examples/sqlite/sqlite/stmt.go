// SPDX-License-Identifier: MIT

package sqlite

// #include <sqlite3.h>
// #include "glue.h"
import "C"

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"belay.example/belay"
)

// A Row holds one value a column: int64, float64, string, []byte or nil. It is a copy in Go
// memory and outlives the statement.
type Row []any

// A Stmt is a prepared statement. It must be closed, at the latest with its database, which
// closes the statements that are left. Goroutines may share it: one call at a time runs. The
// zero Stmt is closed.
type Stmt struct {
	owned belay.Owned[*C.sqlite3_stmt]
}

// Prepare compiles one statement.
func (db DB) Prepare(sql string) (Stmt, error) {
	loan, err := db.owned.Borrow()
	if err != nil {
		return Stmt{}, err
	}
	defer loan.Return()
	scope := belay.NewScope()
	defer scope.Close()
	var p *C.sqlite3_stmt
	if code := C.sqlite3_prepare_v2(loan.Ptr(), (*C.char)(scope.CString(sql)), -1, &p, nil); code != C.SQLITE_OK {
		return Stmt{}, fail(loan.Ptr(), code, sql)
	}
	if p == nil {
		return Stmt{}, fmt.Errorf("sqlite: %q holds no statement", sql)
	}
	size := C.sqlite3_stmt_status(p, C.SQLITE_STMTSTATUS_MEMUSED, 0)
	owned, err := stmtType.Own(p, belay.Size(uint64(size)), belay.ChildOf(db.owned))
	if err != nil {
		C.sqlite3_finalize(p)
		return Stmt{}, err
	}
	return Stmt{owned}, nil
}

// Exec runs the statement and drops its rows.
func (s Stmt) Exec(args ...any) error {
	return s.Each(context.Background(), func(Row) error { return nil }, args...)
}

// All runs the statement and returns its rows.
func (s Stmt) All(args ...any) ([]Row, error) {
	var rows []Row
	err := s.Each(context.Background(), func(row Row) error {
		rows = append(rows, row)
		return nil
	}, args...)
	return rows, err
}

// Each runs the statement and hands out each row as it comes; an error of the function ends
// the run. While it runs, the statement and its database stay, whoever closes them. When ctx
// ends, SQLite interrupts what runs on the database, this statement and any other.
func (s Stmt) Each(ctx context.Context, visit func(Row) error, args ...any) error {
	var isDone atomic.Bool
	interrupt := func(p *C.sqlite3_stmt) {
		// Again and again: an interrupt is lost on a statement that has not begun.
		for ; !isDone.Load(); time.Sleep(time.Millisecond) {
			C.sqlite3_interrupt(C.sqlite3_db_handle(p))
		}
	}
	return s.owned.DoContext(ctx, interrupt, func(p *C.sqlite3_stmt) error {
		defer isDone.Store(true)
		defer C.sqlite3_reset(p)
		for i, arg := range args {
			if err := bind(p, C.int(i+1), arg); err != nil {
				return err
			}
		}
		return step(p, visit)
	})
}

func step(p *C.sqlite3_stmt, visit func(Row) error) error {
	for {
		switch code := C.sqlite3_step(p); code {
		case C.SQLITE_ROW:
			row, err := copyRow(p)
			if err == nil {
				err = visit(row)
			}
			if err != nil {
				return err
			}
		case C.SQLITE_DONE:
			return nil
		default:
			return fail(C.sqlite3_db_handle(p), code, C.GoString(C.sqlite3_sql(p)))
		}
	}
}

// Close finalizes the statement, or has the call that uses it do so when it ends. Closing
// again is no error.
func (s Stmt) Close() error { return s.owned.Close() }

// Release takes the statement away from Belay. The caller must call finalize, once.
func (s Stmt) Release() (finalize func(), err error) {
	p, err := s.owned.Disown()
	if err != nil {
		return nil, err
	}
	return func() { C.sqlite3_finalize(p) }, nil
}

func bind(p *C.sqlite3_stmt, i C.int, arg any) error {
	var code C.int
	switch v := arg.(type) {
	case nil:
		code = C.sqlite3_bind_null(p, i)
	case int:
		code = C.sqlite3_bind_int64(p, i, C.sqlite3_int64(v))
	case int64:
		code = C.sqlite3_bind_int64(p, i, C.sqlite3_int64(v))
	case float64:
		code = C.sqlite3_bind_double(p, i, C.double(v))
	case string:
		code = C.bind_text(p, i, (*C.char)(unsafe.Pointer(unsafe.StringData(v))), C.size_t(len(v)))
	case []byte:
		code = C.bind_blob(p, i, unsafe.Pointer(unsafe.SliceData(v)), C.size_t(len(v)))
	default:
		return fmt.Errorf("sqlite: cannot bind a %T", arg)
	}
	if code != C.SQLITE_OK {
		return fail(C.sqlite3_db_handle(p), code, C.GoString(C.sqlite3_sql(p)))
	}
	return nil
}

func copyRow(p *C.sqlite3_stmt) (Row, error) {
	row := make(Row, C.sqlite3_column_count(p))
	for i := range row {
		column := C.int(i)
		switch C.sqlite3_column_type(p, column) {
		case C.SQLITE_INTEGER:
			row[i] = int64(C.sqlite3_column_int64(p, column))
		case C.SQLITE_FLOAT:
			row[i] = float64(C.sqlite3_column_double(p, column))
		case C.SQLITE_TEXT:
			text := (*C.char)(unsafe.Pointer(C.sqlite3_column_text(p, column)))
			row[i] = C.GoStringN(text, C.sqlite3_column_bytes(p, column))
		case C.SQLITE_BLOB:
			blob := (*byte)(C.sqlite3_column_blob(p, column))
			bytes, err := belay.CopySlice(blob, int(C.sqlite3_column_bytes(p, column)))
			if err != nil {
				return nil, err
			}
			row[i] = bytes
		}
	}
	return row, nil
}
