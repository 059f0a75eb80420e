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
		before[object.ID] = true
	}
	var mutex sync.Mutex
	forgotten := map[string]int{}
	stop := belay.OnReport(func(r belay.Report) {
		if r.Kind == belay.ReportRescue || r.Kind == belay.ReportForgotten {
			mutex.Lock()
			defer mutex.Unlock()
			forgotten[r.Type+" opened at "+r.Opened.Line] += int(r.Count)
		}
	})
	code := m.Run()
	collect()
	objects := settle(func() (objects []belay.Object) {
		for _, object := range belay.Live() {
			if !before[object.ID] {
				objects = append(objects, object)
			}
		}
		return objects
	})
	stop()
	mutex.Lock()
	defer mutex.Unlock()
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
	belay.FlushReports()
}
