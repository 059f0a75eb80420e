// SPDX-License-Identifier: MIT

// Command demo is a small shop on SQLite that leaks: three of its lines prepare statements
// and keep them, two others close what they open. Nothing in it knows of a profiler.
package main

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/mattn/go-sqlite3"
)

type shop struct {
	db   *sqlite3.SQLiteConn
	open []driver.Stmt // the mistake: nobody ever closes these
}

// long makes a query as long as reporting queries are: SQLite keeps each one's text.
func long(table string, n int) string {
	columns := make([]string, 90)
	for i := range columns {
		columns[i] = fmt.Sprintf("id + %d AS c%d", i+n, i)
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + table + " WHERE id > ?"
}

func (s *shop) exec(query string) {
	if _, err := s.db.Exec(query, nil); err != nil {
		log.Fatal(err)
	}
}

func (s *shop) userQuery(n int) {
	stmt, err := s.db.Prepare(long("users", n)) // LEAK 120
	if err != nil {
		log.Fatal(err)
	}
	s.open = append(s.open, stmt)
}

func (s *shop) orderQuery(n int) {
	stmt, err := s.db.Prepare(long("orders", n)) // LEAK 75
	if err != nil {
		log.Fatal(err)
	}
	s.open = append(s.open, stmt)
}

func (s *shop) reportQuery(n int) {
	stmt, err := s.db.Prepare(long("orders JOIN users USING (id)", n)) // LEAK 30
	if err != nil {
		log.Fatal(err)
	}
	s.open = append(s.open, stmt)
}

// total is correct: what it prepares it closes.
func (s *shop) total(n int) int64 {
	stmt, err := s.db.Prepare(long("orders", n))
	if err != nil {
		log.Fatal(err)
	}
	defer stmt.Close()
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(
		context.Background(), []driver.NamedValue{{Ordinal: 1, Value: int64(n)}})
	if err != nil {
		log.Fatal(err)
	}
	defer rows.Close()
	sum, row := int64(0), make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(row); err == io.EOF {
			return sum
		} else if err != nil {
			log.Fatal(err)
		}
		sum += row[0].(int64)
	}
}

func (s *shop) work() {
	sum := int64(0)
	for i := 0; i < 500; i++ {
		if i < 120 {
			s.userQuery(i)
		}
		if i < 75 {
			s.orderQuery(i)
		}
		if i < 30 {
			s.reportQuery(i)
		}
		sum += s.total(i)
	}
	fmt.Printf("500 totals, sum %d; %d statements left open\n", sum, len(s.open))
}

func main() {
	conn, err := (&sqlite3.SQLiteDriver{}).Open(":memory:")
	if err != nil {
		log.Fatal(err)
	}
	s := &shop{db: conn.(*sqlite3.SQLiteConn)}
	s.exec("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
	s.exec("CREATE TABLE orders (id INTEGER PRIMARY KEY, amount INTEGER)")
	for i := 0; i < 200; i++ {
		s.exec(fmt.Sprintf("INSERT INTO users VALUES (%d, 'user %d')", i, i))
		s.exec(fmt.Sprintf("INSERT INTO orders VALUES (%d, %d)", i, i*7))
	}
	s.work()
	for i, stmt := range s.open {
		if stmt == nil {
			log.Fatalf("statement %d is gone", i)
		}
	}
}
