// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"belay.example/belay"
	"belay.example/belay/examples/sqlite/sqlite"
)

const (
	forgotten = 10_000
	kept      = 100
)

// forget loses 10,000 statements while 100 others, opened in between, run a query each.
func (d *demo) forget() error {
	db, err := sqlite.Open(d.path)
	if err != nil {
		return err
	}
	before := rescued()
	line, sets, err := prepareMany(db)
	if err != nil {
		return err
	}
	var finish []func() (int, error)
	for _, s := range sets {
		finish = append(finish, s.startQuery())
	}
	fmt.Printf("   %d statements prepared, %d of them kept; SQLite holds %d KiB\n", forgotten+kept, kept, sqlite.MemoryUsed()>>10)
	deadline := time.Now().Add(30 * time.Second)
	for shown := uint64(0); rescued()-before < forgotten && time.Now().Before(deadline); {
		runtime.GC()
		time.Sleep(time.Millisecond)
		if now := rescued() - before; now > shown {
			fmt.Printf("   %d rescued, SQLite holds %d KiB\n", now, sqlite.MemoryUsed()>>10)
			shown = now
		}
	}
	d.check(rescued()-before == forgotten, "%d of %d rescued while %d others ran", rescued()-before, forgotten, kept)
	rows := 0
	for i, s := range sets {
		n, err := finish[i]()
		if err != nil {
			return err
		}
		rows += n
		if err := s.stmts[0].Close(); err != nil {
			return err
		}
	}
	d.check(rows == kept*len(d.packages), "the %d delivered all %d rows", kept, rows)
	named := uint64(0)
	for end := time.Now().Add(time.Second); named < forgotten && time.Now().Before(end); time.Sleep(time.Millisecond) {
		belay.FlushReports() // the last one may be on its way
		named = d.reports.opened(belay.ReportRescue, line)
	}
	d.check(named == forgotten, "%d reported with the line that opened them, %s", named, line)
	fmt.Printf("         %s\n", d.reports.last(belay.ReportRescue))
	return db.Close()
}

// prepareMany returns the line that opened the statements it forgot, and those it kept.
func prepareMany(db sqlite.DB) (line string, sets []*set, err error) {
	for i := range forgotten + kept {
		if i%((forgotten+kept)/kept) == 0 {
			stmt, err := db.Prepare("SELECT name FROM package")
			if err != nil {
				return "", nil, err
			}
			sets = append(sets, &set{stmts: [3]sqlite.Stmt{stmt}})
			continue
		}
		_, file, number, _ := runtime.Caller(0)
		if _, err := db.Prepare("SELECT name FROM package WHERE kib > 1000"); err != nil { // forgotten
			return "", nil, err
		}
		line = fmt.Sprintf("%s:%d", file[strings.LastIndexByte(file, '/')+1:], number+1)
	}
	return line, sets, nil
}

func rescued() (n uint64) {
	for _, row := range belay.ReadStats().Types {
		if row.Name == "sqlite3_stmt" {
			n = row.Rescued
		}
	}
	return n
}
