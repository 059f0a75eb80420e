// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"belay.example/belay"
	"belay.example/belay/examples/sqlite/sqlite"
)

const closers = 8

// closeInEveryOrder opens a database and three statements a round. Eight goroutines close the
// same four objects, each in another of the 24 orders; in every other round a query runs
// meanwhile, and must still deliver all its rows.
func (d *demo) closeInEveryOrder() error {
	const cycles = 10
	orders := permutations(4)
	queries, rows, refused := 0, 0, 0
	for round := range cycles * len(orders) {
		set, err := openSet(d.path)
		if err != nil {
			return err
		}
		finish := func() (int, error) { return 0, nil }
		if round%2 == 0 {
			finish = set.startQuery()
			queries++
		}
		if err := set.closeFrom(orders, round); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		refused += set.useAll()
		n, err := finish()
		if err != nil {
			return fmt.Errorf("round %d: the query was cut off after %d rows: %w", round, n, err)
		}
		rows += n
		if round%(2*len(orders)) == 0 {
			fmt.Printf("   round %d of %d\n", round, cycles*len(orders))
		}
	}
	rounds := cycles * len(orders)
	d.check(true, "%d databases and %d statements, %d calls of Close, no error", rounds, 3*rounds, rounds*closers*4)
	d.check(rows == queries*len(d.packages), "%d queries ran on after everything was closed, all %d rows came", queries, rows)
	d.check(refused == rounds*4, "%d uses after close refused with ErrClosed", refused)
	used := sqlite.MemoryUsed()
	d.check(used == 0, "SQLite holds %d bytes", used)
	return nil
}

// A set is a database with three statements of its own.
type set struct {
	db    sqlite.DB
	stmts [3]sqlite.Stmt
}

func openSet(path string) (*set, error) {
	db, err := sqlite.Open(path)
	if err != nil {
		return nil, err
	}
	s := &set{db: db}
	for i := range s.stmts {
		if s.stmts[i], err = db.Prepare("SELECT name FROM package"); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return s, nil
}

// startQuery begins a query and stops it after its first row; the function it returns lets it
// go on and tells how many rows came.
func (s *set) startQuery() (finish func() (int, error)) {
	begun, resume, end := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	n := 0
	go func() {
		end <- s.stmts[0].Each(context.Background(), func(sqlite.Row) error {
			if n++; n == 1 {
				close(begun)
				<-resume
			}
			return nil
		})
	}()
	<-begun
	return func() (int, error) {
		close(resume)
		err := <-end
		return n, err
	}
}

func (s *set) closeFrom(orders [][]int, round int) error {
	all := []io.Closer{s.db, s.stmts[0], s.stmts[1], s.stmts[2]}
	var wait sync.WaitGroup
	failed := make([]error, closers)
	for g := range closers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for _, i := range orders[(round+3*g)%len(orders)] {
				failed[g] = errors.Join(failed[g], all[i].Close())
			}
		}()
	}
	wait.Wait()
	return errors.Join(failed...)
}

// useAll tries to use what is closed and returns how often it was refused as it should be.
func (s *set) useAll() (refused int) {
	errs := []error{s.db.Exec("SELECT 1")}
	for _, stmt := range s.stmts {
		errs = append(errs, stmt.Exec())
	}
	for _, err := range errs {
		if errors.Is(err, belay.ErrClosed) {
			refused++
		}
	}
	return refused
}

// permutations returns the orders of 0 to n-1.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, shorter := range permutations(n - 1) {
		for at := range n {
			order := append(append(append([]int{}, shorter[:at]...), n-1), shorter[at:]...)
			all = append(all, order)
		}
	}
	return all
}
