// SPDX-License-Identifier: MIT

// Command sqlite times inserts and queries on go-sqlite3; it prints the
// nanoseconds a row of processor time, and of the clock on the wall.
package main

import (
	"database/sql"
	"flag"
	"fmt"
	"log"

	_ "github.com/mattn/go-sqlite3"

	"belay.example/belay/prof/bench/timed"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func fill(db *sql.DB, rows int) {
	tx, err := db.Begin()
	must(err)
	stmt, err := tx.Prepare("INSERT INTO t (name, value) VALUES (?, ?)")
	must(err)
	for i := 0; i < rows; i++ {
		_, err = stmt.Exec(fmt.Sprintf("name %d", i), i)
		must(err)
	}
	must(stmt.Close())
	must(tx.Commit())
}

func query(db *sql.DB, from int) (sum int) {
	rows, err := db.Query("SELECT name, value FROM t WHERE value >= ? ORDER BY name LIMIT 50", from)
	must(err)
	defer rows.Close()
	for rows.Next() {
		var name string
		var value int
		must(rows.Scan(&name, &value))
		sum += value
	}
	return sum
}

func round(rows int) {
	db, err := sql.Open("sqlite3", ":memory:")
	must(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, value INTEGER)")
	must(err)
	fill(db, rows)
	for i := 0; i < 40; i++ {
		query(db, i*rows/100)
	}
}

func main() {
	rows := flag.Int("n", 20000, "rows")
	flag.Parse()
	round(*rows / 10)
	timed.Print(*rows, func() { round(*rows) })
}
