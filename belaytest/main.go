// SPDX-License-Identifier: MIT

package belaytest

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"belay.example/belay"
)

// Main runs the tests of a package and ends the process: with the tests' exit code, or with 1
// and a list when C objects are open that were not before, or were forgotten meanwhile, so
// that the net had to close them. It waits up to a second for objects in use.
func Main(m interface{ Run() int }) {
	os.Exit(run(m, os.Stderr))
}

func run(m interface{ Run() int }, out io.Writer) int {
	before := map[uint64]bool{}
	for _, object := range belay.Live() {
		before[object.ID] = object.ID != 0
	}
	rescues := watchRescues()
	code := m.Run()
	objects := settle(func() (objects []belay.Object) {
		collect()
		for _, object := range belay.Live() {
			if !before[object.ID] {
				objects = append(objects, object)
			}
		}
		return objects
	})
	forgotten := rescues.end()
	if len(objects) > 0 {
		fmt.Fprintf(out, "belaytest: the tests left %d C objects open:%s\n", len(objects), describe(objects))
	}
	if len(forgotten) > 0 {
		fmt.Fprintf(out, "belaytest: the tests forgot C objects; the collector closed them:%s\n", list(forgotten))
	}
	if code == 0 && len(objects)+len(forgotten) > 0 {
		code = 1
	}
	return code
}

// rescues counts what the net has to close, by type and line.
type rescues struct {
	mutex sync.Mutex
	lines map[string]int
	told  uint64
	first uint64 // the counter at the beginning
	stop  func()
}

func watchRescues() *rescues {
	r := &rescues{lines: map[string]int{}, first: belay.ReadStats().Total.Rescued}
	r.stop = belay.OnReport(func(report belay.Report) {
		if report.Kind == belay.ReportRescue {
			r.mutex.Lock()
			defer r.mutex.Unlock()
			r.lines[report.Type+" opened at "+report.Opened.Line] += int(report.Count)
			r.told += report.Count
		}
	})
	return r
}

// end returns the counts. The counter is ahead of the reports: of those on their way for a
// moment, of all when the level is off.
func (r *rescues) end() map[string]int {
	defer r.stop()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		belay.FlushReports()
		r.mutex.Lock()
		missing := int(belay.ReadStats().Total.Rescued - r.first - r.told)
		if missing <= 0 || time.Now().After(end) {
			defer r.mutex.Unlock()
			if missing > 0 {
				r.lines["object of a type that was not told (BELAY_LEVEL=off?)"] = missing
			}
			return r.lines
		}
		r.mutex.Unlock()
	}
}

// collect has the net find what was forgotten, destroy it and report it.
func collect() {
	// What the first collection ends may be all that held something else.
	for range 2 {
		swept := make(chan struct{})
		runtime.AddCleanup(new([64]byte), func(done chan struct{}) { close(done) }, swept)
		runtime.GC()
		select {
		case <-swept:
		case <-time.After(patience):
		}
		belay.Drain(patience)
	}
}
