// SPDX-License-Identifier: MIT

// Package belay makes C memory safe to hold in a Go program.
//
// The collector cannot see what C allocates: sixteen bytes of Go can hold a
// gigabyte of C, and nothing knows when it may go. Belay has three answers:
//
//   - [Copy] plain C data into Go memory; the collector takes over.
//   - Own it: an [Owned] has an explicit Close that is idempotent, safe from any
//     goroutine, and destroys children before their parent.
//   - The net: when Close is forgotten, the collector has the object destroyed,
//     counts it and reports the line that opened it. The net is never the plan.
//
// A wrapper of a C library makes a [Type] for each kind of object, and keeps an
// Owned inside its own types:
//
//	var dbType = belay.NewType[*C.sqlite3]("sqlite3", belay.DestroyC(C.drop_db))
//
//	type DB struct{ owned belay.Owned[*C.sqlite3] }
//
//	func (db DB) Exec(sql string) error {
//		return db.owned.Do(func(p *C.sqlite3) error { … })
//	}
//
//	func (db DB) Close() error { return db.owned.Close() }
//
// # What is guaranteed
//
//   - An object is destroyed at most once, and not while it is borrowed, by
//     whatever goroutines and threads its handles are used and closed.
//   - After Close has returned, no new borrow succeeds. When nothing used the
//     object, it is destroyed when Close returns.
//   - A handle whose object is gone is refused, never dereferenced, also when
//     the memory of its slot serves another object.
//   - Calls into a type with a guard do not overlap: borrows, destructors and size
//     functions, also those on the net's thread.
//   - A child is destroyed before its parent, and keeps it from being forgotten.
//   - Common operations neither allocate nor cross into C; see the benchmarks.
//
// # What is not guaranteed
//
//   - When the net acts, or that it does: it needs a collection, and the collector
//     sees Go memory alone. Objects that share a net (small, of known size, plain
//     free) are found only when all 64 are forgotten; see [NetExact]. A closed
//     handle that is kept somewhere for good can hide one later object that is
//     forgotten: nets are used again.
//   - Anything at os.Exit, at a crash, or when main returns: call [Shutdown].
//   - A pointer kept beyond Return, Do or Disown.
//   - A handle stored in C memory: it does not keep its object.
//   - That a callback is free to do anything: a destructor must not wait for its
//     own object; runtime.Goexit in one keeps the guard of a guarded object taken,
//     and ends the process when the net runs it.
//   - That two goroutines which each hold a guard and wait for the other's ever
//     go on; it is a deadlock as with two mutexes.
//
// # Environment
//
//	BELAY_LEVEL=off|sampled|all  how much is reported; see [SetLevel]
//	BELAY_STDERR=1|0             reports go to standard error always, or never;
//	                             unset: while there is no [OnReport]
//	BELAY_LEDGER=FILE|off        where the table of objects is kept (%p: the process id)
//	BELAY_LEDGER_NAMES=base      no folders of source files in it
//	BELAY_STRESS=gc              collects garbage at every borrow: for tests
//
// Another word is told on standard error and taken as unset.
//
// A program with more rights than who starts it (setuid, setgid, capabilities)
// ignores all but the last.
package belay
