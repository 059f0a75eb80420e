// SPDX-License-Identifier: MIT

package belaytest

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"belay.example/belay"
)

// A fakeTB is a test that may fail without failing this one.
type fakeTB struct {
	name     string
	cleanups []func()
	failures []string
}

func (f *fakeTB) Helper()          {}
func (f *fakeTB) Name() string     { return f.name }
func (f *fakeTB) Cleanup(c func()) { f.cleanups = append(f.cleanups, c) }

func (f *fakeTB) Errorf(format string, args ...any) {
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}

// play runs body as a test with NoLeaks, on a goroutine of its own, as package testing does.
func play(name string, body func()) *fakeTB {
	f := &fakeTB{name: name}
	done := make(chan struct{})
	go func() {
		defer close(done)
		NoLeaks(f)
		body()
		for i := len(f.cleanups) - 1; i >= 0; i-- {
			f.cleanups[i]()
		}
	}()
	<-done
	return f
}

func (f *fakeTB) mustPass(t *testing.T) {
	t.Helper()
	if len(f.failures) > 0 {
		t.Errorf("%s failed: %s", f.name, f.failures)
	}
}

// mustFail wants one failure: count objects, all opened at a line that matches.
func (f *fakeTB) mustFail(t *testing.T, count int, line string) {
	t.Helper()
	want := fmt.Sprintf(`^belaytest: %s left %d C objects open:\n    %d x point opened at %s$`, f.name, count, count, line)
	if len(f.failures) != 1 || !regexp.MustCompile(want).MatchString(f.failures[0]) {
		t.Errorf("%s failed with %q, want %q", f.name, f.failures, want)
	}
}

const line = `\S*TestNoLeaks\S* \S*belaytest_test\.go:\d+`

// Goal: a test that closes passes, one that does not fails with type, count and line.
func TestNoLeaks(t *testing.T) {
	play("clean", func() { closeAll(t, []point{open(t), open(t)}) }).mustPass(t)
	var left []point
	play("leaky", func() {
		for range 3 {
			left = append(left, open(t))
		}
		closeAll(t, []point{open(t)})
	}).mustFail(t, 3, line)
	play("next", func() {}).mustPass(t)
	closeAll(t, left)
}

// Goal: forgetting is leaking, also when the collector has been there; afterwards it may come.
func TestNoLeaksForgotten(t *testing.T) {
	before := pointType.Stats()
	play("forgetful", func() {
		for range 64 {
			open(t)
		}
		collect()
	}).mustFail(t, 64, line)
	for range 1000 {
		if collect(); pointType.Stats().Live == before.Live {
			return
		}
	}
	t.Errorf("%d still open", pointType.Stats().Live-before.Live)
}

// Goal: what goroutines of a test open is the test's, down to their children; what others
// open meanwhile is not.
func TestNoLeaksGoroutines(t *testing.T) {
	var left []point
	orders, done := make(chan bool), make(chan bool)
	go func() { // was there before
		for range orders {
			left = append(left, open(t))
			done <- true
		}
	}()
	play("parent", func() {
		end := make(chan point)
		go func() {
			go func() { end <- open(t) }()
		}()
		left = append(left, <-end)
		orders <- true
		<-done
	}).mustFail(t, 1, line)
	close(orders)
	closeAll(t, left)
}

// Goal: tests that overlap in time do not answer for each other.
// Method: 16 at once, opening and closing at random; the odd ones keep as many as their number.
func TestNoLeaksParallel(t *testing.T) {
	var mutex sync.Mutex
	var left []point
	var group, begun sync.WaitGroup
	begun.Add(16)
	for n := range 16 {
		group.Add(1)
		go func() {
			defer group.Done()
			f := play(fmt.Sprint("parallel", n), func() {
				begun.Done()
				begun.Wait()
				for i := range 1000 {
					o := open(t)
					if n%2 == 1 && i < n {
						mutex.Lock()
						left = append(left, o)
						mutex.Unlock()
						continue
					}
					closeAll(t, []point{o})
				}
			})
			if n%2 == 1 {
				f.mustFail(t, n, line)
			} else {
				f.mustPass(t)
			}
		}()
	}
	group.Wait()
	closeAll(t, left)
}

// Goal: an object that a goroutine is about to close is no leak.
func TestNoLeaksLate(t *testing.T) {
	play("late", func() {
		o := open(t)
		time.AfterFunc(50*time.Millisecond, func() { closeAll(t, []point{o}) })
	}).mustPass(t)
}

// Goal: it works on the real thing: parallel subtests that answer for themselves.
func TestNoLeaksReal(t *testing.T) {
	NoLeaks(t)
	for n := range 4 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			NoLeaks(t)
			for range 100 {
				closeAll(t, []point{open(t)})
			}
		})
	}
}

// A fakeM is a package's tests.
type fakeM func() int

func (m fakeM) Run() int { return m() }

// Goal: Main fails a package for what it left or forgot, and for nothing else.
func TestMainExit(t *testing.T) {
	var left []point
	left = append(left, open(t)) // before Main: not counted
	for _, c := range []struct {
		name string
		m    fakeM
		code int
		want string
	}{
		{"clean", func() int { return 0 }, 0, `^$`},
		{"failed tests", func() int { return 2 }, 2, `^$`},
		{"left", func() int { left = append(left, open(t), open(t)); return 0 }, 1,
			`^belaytest: the tests left 2 C objects open:\n    2 x point opened at \S*TestMainExit\S* \S*:\d+\n$`},
		{"failed and left", func() int { left = append(left, open(t)); return 2 }, 2, `left 1 C objects`},
		{"forgotten", func() int { forget(t); return 0 }, 1,
			`^belaytest: the tests forgot C objects; the collector closed them:\n    70 x point opened at \S*forget \S*:\d+\n$`},
	} {
		var out strings.Builder
		if code := run(c.m, &out); code != c.code || !regexp.MustCompile(c.want).MatchString(out.String()) {
			t.Errorf("%s: exit code %d, %q; want %d, %q", c.name, code, out.String(), c.code, c.want)
		}
	}
	closeAll(t, left)
}

//go:noinline
func forget(t *testing.T) {
	for range 70 {
		open(t)
	}
	runtime.GC()
}

// The package checks itself.
func TestMain(m *testing.M) {
	// TestNoLeaksForgotten forgets on purpose, so not by Main.
	patience = 200 * time.Millisecond
	code := m.Run()
	collect()
	if objects := belay.Live(); len(objects) > 0 {
		fmt.Fprintf(os.Stderr, "left open:%s\n", describe(objects))
		code = 1
	}
	os.Exit(code)
}
