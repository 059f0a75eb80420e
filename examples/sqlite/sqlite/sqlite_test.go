// SPDX-License-Identifier: MIT

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"belay.example/belay"
	"belay.example/belay/belaytest"
)

func TestMain(m *testing.M) { belaytest.Main(m) }

func openTest(t *testing.T) DB {
	belaytest.NoLeaks(t)
	db, err := Open(filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Goal: each kind of value comes back as it went in, also when the statement is gone.
func TestValues(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	stmt, err := db.Prepare("SELECT ?, ?, ?, ?, ?, ?, ?, ?")
	if err != nil {
		t.Fatal(err)
	}
	want := Row{int64(math.MinInt64), 2.5, "tëxt\x00with zero", "", []byte{0, 255}, []byte(nil), nil, int64(7)}
	rows, err := stmt.All(int64(math.MinInt64), 2.5, "tëxt\x00with zero", "", []byte{0, 255}, []byte{}, nil, 7)
	if closing := stmt.Close(); closing != nil {
		t.Error(closing)
	}
	if err != nil || len(rows) != 1 || !reflect.DeepEqual(rows[0], want) {
		t.Errorf("%#v, %v; want %#v", rows, err, want)
	}
}

// Goal: errors of SQLite come with code, message and statement, and leave nothing behind.
func TestErrors(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	var failure *Error
	if _, err := db.Prepare("SELEC"); !errors.As(err, &failure) || failure.SQL != "SELEC" || failure.Code != 1 {
		t.Errorf("syntax error: %v", err)
	}
	if _, err := db.Prepare("-- nothing"); err == nil {
		t.Error("prepared nothing")
	}
	if err := db.Exec("SELECT 1; NONSENSE"); !errors.As(err, &failure) || failure.Message == "" {
		t.Errorf("Exec: %v", err)
	}
	stmt, err := db.Prepare("SELECT ?")
	if err != nil {
		t.Fatal(err)
	}
	if err := stmt.Exec(struct{}{}); err == nil {
		t.Error("bound a struct")
	}
	if err := stmt.Exec(1, 2); !errors.As(err, &failure) {
		t.Errorf("bound too much: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "no", "folder")); !errors.As(err, &failure) {
		t.Errorf("Open: %v", err)
	}
}

// Goal: an error of the visitor ends the query, and the statement can run again.
func TestEachStops(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	stmt, err := db.Prepare("VALUES (1), (2), (3)")
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	if err := stmt.Each(context.Background(), func(Row) error { return stop }); err != stop {
		t.Errorf("Each: %v", err)
	}
	if rows, err := stmt.All(); err != nil || len(rows) != 3 {
		t.Errorf("again: %v, %v", rows, err)
	}
}

const endless = "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"

// Goal: a query that would never end stops when its context does, and says why.
// Method: contexts that end at once, so that the interrupt comes early, and a little later.
func TestEachInterrupted(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	stmt, err := db.Prepare(endless)
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{0, time.Microsecond, 100 * time.Microsecond, 20 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(context.Background(), after)
		var failure *Error
		err := stmt.Each(ctx, func(Row) error { return nil })
		isInterrupted := errors.As(err, &failure) && failure.Message == "interrupted"
		isEarly := errors.Is(err, belay.ErrTimedOut) // ctx had ended: it did not begin
		if cancel(); !errors.Is(err, context.DeadlineExceeded) || isInterrupted == isEarly {
			t.Errorf("after %v: %v", after, err)
		}
	}
}

// Goal: zero and closed values are refused, not followed.
func TestClosed(t *testing.T) {
	t.Parallel()
	var noDB DB
	var noStmt Stmt
	_, err := noDB.Prepare("SELECT 1")
	for _, err := range []error{err, noDB.Exec("SELECT 1"), noStmt.Exec()} {
		if !errors.Is(err, belay.ErrClosed) {
			t.Errorf("zero value: %v", err)
		}
	}
	if err := errors.Join(noDB.Close(), noStmt.Close()); err != nil {
		t.Errorf("zero value: Close: %v", err)
	}
	db := openTest(t)
	stmt, err := db.Prepare("SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := stmt.Exec(); !errors.Is(err, belay.ErrClosed) {
		t.Errorf("after the database closed: %v", err)
	}
	if _, err := db.Prepare("SELECT 1"); !errors.Is(err, belay.ErrClosed) {
		t.Errorf("Prepare after Close: %v", err)
	}
}

// Goal: a statement that was released keeps its database from closing, until it is finalized.
func TestRelease(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	stmt, err := db.Prepare("SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	finalize, err := stmt.Release()
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); !errors.Is(err, belay.ErrRefused) {
		t.Errorf("Close: %v", err)
	}
	if err := db.Exec("SELECT 1"); err != nil {
		t.Errorf("after a refused Close: %v", err)
	}
	finalize()
}

// Goal: goroutines may share a statement: each run is whole.
func TestShared(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	stmt, err := db.Prepare("SELECT ?1 UNION ALL SELECT ?1")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for g := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 200 {
				rows, err := stmt.All(g)
				if want := fmt.Sprintf("[[%d] [%d]]", g, g); err != nil || fmt.Sprint(rows) != want {
					t.Errorf("%v, %v; want %s", rows, err, want)
					return
				}
			}
		}()
	}
	group.Wait()
}
