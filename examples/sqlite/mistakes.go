// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"time"

	"belay.example/belay"
	"belay.example/belay/examples/sqlite/sqlite"
)

func (d *demo) makeMistakes() error {
	s, err := openSet(d.path)
	if err != nil {
		return err
	}
	stmt := s.stmts[0]
	first, second := stmt.Close(), stmt.Close()
	d.check(first == nil && second == nil, "double close: %v, %v", first, second)

	before := d.reports.count(belay.ReportUseAfterClose)
	err = stmt.Exec()
	d.check(errors.Is(err, belay.ErrClosed), "use after close: %v", err)
	d.check(d.reports.count(belay.ReportUseAfterClose) > before, "   reported: %s", d.reports.last(belay.ReportUseAfterClose))

	err = s.db.Close()
	gone := errors.Is(s.stmts[1].Exec(), belay.ErrClosed) && errors.Is(s.stmts[2].Exec(), belay.ErrClosed)
	used := sqlite.MemoryUsed()
	d.check(err == nil && gone && used == 0,
		"parent first: %v; its two open statements went before it, SQLite holds %d bytes", err, used)
	if err := d.makeEndless(); err != nil {
		return err
	}
	return d.makeRefusal()
}

// makeEndless runs a query without end, and stops it.
func (d *demo) makeEndless() (err error) {
	db, err := sqlite.Open(d.path)
	if err != nil {
		return err
	}
	defer belay.CloseInto(&err, db)
	stmt, err := db.Prepare("WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	rows := 0
	err = stmt.Each(ctx, func(sqlite.Row) error { rows++; return nil })
	d.check(errors.Is(err, context.DeadlineExceeded), "a query without end, stopped by its context after %d rows", rows)
	return nil
}

// makeRefusal has the real sqlite3_close refuse: a statement that Belay does not know is open.
func (d *demo) makeRefusal() error {
	db, err := sqlite.Open(d.path)
	if err != nil {
		return err
	}
	stmt, err := db.Prepare("SELECT count(*) FROM package")
	if err != nil {
		return err
	}
	finalize, err := stmt.Release()
	if err != nil {
		return err
	}
	err = db.Close()
	d.check(errors.Is(err, belay.ErrRefused), "a destructor that refuses: %v", err)
	d.check(d.reports.count(belay.ReportDestroyRefused) > 0, "   reported: %s", d.reports.last(belay.ReportDestroyRefused))
	rows, err := query(db, "SELECT count(*) FROM package")
	d.check(err == nil && rows[0][0] == int64(len(d.packages)), "   the database is open again and answers: %v, %v", rows, err)
	finalize()
	err = db.Close()
	used := sqlite.MemoryUsed()
	d.check(err == nil && used == 0, "   statement finalized, closed again: %v, SQLite holds %d bytes", err, used)
	return nil
}
