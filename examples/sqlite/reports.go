// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"strings"
	"sync"

	"belay.example/belay"
)

// reports collects what Belay reports.
type reports struct {
	mutex sync.Mutex
	all   []belay.Report
}

func listen() *reports {
	r := &reports{}
	belay.OnReport(func(report belay.Report) {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		r.all = append(r.all, report)
	})
	return r
}

// count returns how many events of a kind were reported.
func (r *reports) count(kind belay.ReportKind) uint64 { return r.opened(kind, "") }

// opened returns how many of them name the line as the one that opened the object.
func (r *reports) opened(kind belay.ReportKind, line string) (n uint64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, report := range r.all {
		if report.Kind == kind && strings.HasSuffix(report.Opened.Line, line) {
			n += report.Count
		}
	}
	return n
}

// last tells the last one of a kind: what, how often, and the lines without their folders.
func (r *reports) last(kind belay.ReportKind) (text string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, report := range r.all {
		if report.Kind == kind {
			text = fmt.Sprintf("%v, %d x %s, opened at %s", kind, report.Count, report.Type, short(report.Opened))
			if kind == belay.ReportUseAfterClose {
				text += fmt.Sprintf(", closed at %s, used at %s", short(report.Closed), short(report.Used))
			}
		}
	}
	return text
}

func short(place belay.Place) string { return place.Line[strings.LastIndexByte(place.Line, '/')+1:] }
