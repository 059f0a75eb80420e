// SPDX-License-Identifier: MIT

package belay_test

import (
	"sync"
	"testing"
	"time"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

var (
	thingType  = belay.NewType[*testc.Thing]("thing", belay.Destroy(endThing), belay.FixedSize(40))
	cType      = belay.NewType[*testc.Thing]("thing in C", belay.DestroyC(testc.DropEnd))
	failType   = belay.NewType[*testc.Thing]("failing in C", belay.DestroyC(testc.DropFail))
	refuseType = belay.NewType[*testc.Thing]("refusing in C", belay.DestroyC(testc.DropRefuse), belay.OnErrorKept())
)

func endThing(t *testc.Thing) error {
	testc.ThingEnd(t)
	return nil
}

// own owns a new thing whose end is counted in the result.
func own(t testing.TB, kind belay.Type[*testc.Thing], options ...belay.OwnOption) (belay.Owned[*testc.Thing], *uint64) {
	t.Helper()
	counters := testc.Counters(1)
	t.Cleanup(func() { testc.FreeCounters(counters) })
	o, err := kind.Own(testc.ThingNew(nil, &counters[0]), options...)
	if err != nil {
		t.Fatal(err)
	}
	return o, &counters[0]
}

// reportsOf collects the reports about a type while the test runs.
func reportsOf(t testing.TB, name string) func(kind belay.ReportKind) []belay.Report {
	var mutex sync.Mutex
	var all []belay.Report
	stop := belay.OnReport(func(r belay.Report) {
		mutex.Lock()
		defer mutex.Unlock()
		if r.Type == name {
			all = append(all, r)
		}
	})
	t.Cleanup(stop)
	return func(kind belay.ReportKind) []belay.Report {
		belay.Drain(10 * time.Second)
		belay.FlushReports()
		mutex.Lock()
		defer mutex.Unlock()
		var of []belay.Report
		for _, r := range all {
			if r.Kind == kind {
				of = append(of, r)
			}
		}
		return of
	}
}
