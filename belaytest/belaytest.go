// SPDX-License-Identifier: MIT

// Package belaytest fails tests that leave C objects open.
//
//	func TestQuery(t *testing.T) {
//		belaytest.NoLeaks(t) // this test, whatever runs beside it
//		...
//	}
//
//	func TestMain(m *testing.M) { belaytest.Main(m) } // the package as a whole
//
// docs/guide/testing.md tells which test an object belongs to.
package belaytest

import "belay.example/belay"

// TB is the part of testing.TB that NoLeaks needs.
type TB interface {
	Helper()
	Name() string
	Cleanup(func())
	Errorf(format string, args ...any)
}

// NoLeaks fails the test if, at its end, something is open that it opened. Call it first: what
// was opened before is not looked at, and a deferred call sees nothing. Its check runs after
// the cleanups that are registered later, and waits up to a second for objects in use.
//
// Forgotten objects count as open: while the test runs, the net leaves alone what it opened.
//
// Tests may run in parallel. An object belongs to the test whose goroutine opened it, or a
// goroutine started by that one, and so on; a subtest with a NoLeaks of its own answers for
// itself. What a goroutine opens that was there before (a pool, a server of another test) or
// that has profiler labels set by hand (pprof.Do) belongs to no test: Main finds it.
func NoLeaks(t TB) {
	t.Helper()
	before := labels()
	owner := labelsMake(t.Name())
	watch(owner)
	t.Cleanup(func() {
		t.Helper()
		objects := settle(func() []belay.Object { return left(owner) })
		unwatch(owner)
		labelsSet(before)
		if len(objects) > 0 {
			t.Errorf("belaytest: %s left %d C objects open:%s", t.Name(), len(objects), describe(objects))
		}
	})
}
