// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Report is a mistake of the program, named by type and line.
type Report struct {
	Kind    ReportKind
	Type    string        // the type's name
	Count   uint64        // how many mistakes it stands for; at least 1
	Age     time.Duration // of the object
	Err     error         // what the caller was told, or the destructor's error; may be nil
	Code    int           // of a destructor in C
	Opened  Place
	Closed  Place
	Used    Place  // where the mistake was made
	Message string // the whole thing in one line, without addresses
}

// Place is a line of the program. Frames is the stack there, innermost first,
// of an object whose stacks are kept; nil for most.
type Place struct {
	Line   string // "function file:line"; "?" when unknown
	Frames []runtime.Frame
}

// String is the line and, below it, the stack.
func (p Place) String() string {
	var text strings.Builder
	text.WriteString(p.Line)
	for _, frame := range p.Frames {
		fmt.Fprintf(&text, "\n\t%s %s:%d", frame.Function, frame.File, frame.Line)
	}
	return text.String()
}

// ReportKind says what a report is about.
type ReportKind uint32

const (
	ReportLeak           ReportKind = iota // still open at shutdown
	ReportRescue                           // forgotten, and closed by the collector
	ReportForgotten                        // forgotten, and the net may not destroy it
	ReportUseAfterClose                    // borrowed or owned below after it was closed
	ReportDoubleClose                      // closed again through a stale handle (LevelAll)
	ReportDoubleReturn                     // returned without a borrow
	ReportDoubleOwn                        // a pointer that another handle owns already (LevelAll)
	ReportDestroyRefused                   // the destructor refused: the object is open again
	ReportDestroyFailed                    // the destructor gave an error; the object is gone
	ReportWrongThread                      // used on a thread its type does not allow
	ReportStillHeld                        // borrowed past the deadline of a shutdown
	ReportTableFull                        // no room for another object, type or site
	ReportLedgerLost                       // the ledger could not be shared
	ReportPanic                            // a callback of the program panicked
)

// String is the kind's word, such as "rescue".
func (k ReportKind) String() string { return reportWord(k) }

// String is the message.
func (r Report) String() string { return r.Message }

// LogValue is the report as slog attributes.
func (r Report) LogValue() slog.Value {
	attributes := []slog.Attr{
		slog.String("kind", r.Kind.String()),
		slog.String("type", r.Type),
		slog.Uint64("count", r.Count),
	}
	for _, place := range []struct {
		key string
		at  Place
	}{{"opened", r.Opened}, {"closed", r.Closed}, {"used", r.Used}} {
		if place.at.Line != "?" && place.at.Line != "" {
			attributes = append(attributes, slog.String(place.key, place.at.String()))
		}
	}
	if r.Age != 0 {
		attributes = append(attributes, slog.Duration("age", r.Age))
	}
	if r.Code != 0 {
		attributes = append(attributes, slog.Int("code", r.Code))
	}
	if r.Err != nil {
		attributes = append(attributes, slog.String("error", r.Err.Error()))
	}
	return slog.GroupValue(attributes...)
}

// Level is how much is reported.
type Level uint32

const (
	LevelOff     Level = iota // count only
	LevelSampled              // every mistake, with stacks for one object in a thousand, more of large ones
	LevelAll                  // every mistake with every stack, repeated closes and double owning too
)

// SetLevel sets how much is reported about objects opened from now on. The
// environment sets it at the start: BELAY_LEVEL=off, sampled (the default) or
// all. What is none of the three changes nothing.
func SetLevel(level Level) {
	levelSet(level)
	setTraces()
}

// String is the level's word, as in BELAY_LEVEL.
func (l Level) String() string {
	if words := [...]string{"off", "sampled", "all"}; int(l) < len(words) {
		return words[l]
	}
	return "?"
}

// CurrentLevel returns the level in force.
func CurrentLevel() Level { return levelGet() }

// handlers are the functions of OnReport; a list that is replaced, not changed.
var handlers struct {
	sync.Mutex
	list atomic.Pointer[[]*func(Report)]
}

// OnReport has f called with every report, besides those that are there
// already, until stop is called. It runs on whatever thread found the mistake,
// with no lock held: often the collector's or a closing goroutine, so it should
// be quick and must not wait for objects of its own to be closed. Equal reports
// come at once the first time, then at most once a second with a count. A panic
// in f is recovered and reported.
//
// Without any handler, reports go to standard error, one line each, unless
// BELAY_STDERR=0; BELAY_STDERR=1 has them there besides the handlers.
func OnReport(f func(Report)) (stop func()) {
	if f == nil {
		panic("belay: OnReport(nil): BELAY_STDERR=0 silences reports")
	}
	me := &f
	change := func(keep func(*func(Report)) bool, more ...*func(Report)) {
		handlers.Lock()
		defer handlers.Unlock()
		var list []*func(Report)
		if old := handlers.list.Load(); old != nil {
			for _, handler := range *old {
				if keep(handler) {
					list = append(list, handler)
				}
			}
		}
		list = append(list, more...)
		handlers.list.Store(&list)
	}
	change(func(*func(Report)) bool { return true }, me)
	return func() { change(func(handler *func(Report)) bool { return handler != me }) }
}

// FlushReports tells now what the rate limit holds back.
func FlushReports() { reportFlush() }

// lastPanic is the error of the panic that is being reported.
var lastPanic atomic.Pointer[error]

// notePanic reports a panic.
func notePanic(err error) {
	lastPanic.Store(&err)
	bindMisuse(ReportPanic, 0, statusOK, 0)
}

// deliver completes a report with what only Go knows, and hands it out.
func deliver(bits uint64, r Report) {
	if err, inGo := outcome(int32(r.Code)); inGo {
		text := ""
		if err != nil {
			r.Err, text = err, ": "+err.Error()
		}
		r.Message = strings.Replace(r.Message, ", code "+strconv.Itoa(r.Code), text, 1)
		r.Code = 0
	}
	if r.Kind == ReportPanic {
		if err := lastPanic.Swap(nil); err != nil {
			r.Err = *err
			r.Message += ": " + r.Err.Error()
		}
	}
	if bits != 0 {
		traceFill(bits, &r)
	}
	list := handlers.list.Load()
	if list == nil || len(*list) == 0 {
		if !reportHasStderrWish() {
			r.print()
		}
		return
	}
	for _, handler := range *list {
		call(*handler, r)
	}
}

func call(handler func(Report), r Report) {
	defer func() {
		if p := recover(); p != nil && r.Kind != ReportPanic {
			_ = panicked("report handler", p)
		}
	}()
	handler(r)
}

// print writes the message, and the stacks that are known.
func (r Report) print() {
	text := r.Message + "\n"
	for _, place := range []struct {
		word string
		at   Place
	}{{"opened", r.Opened}, {"closed", r.Closed}, {"used", r.Used}} {
		if len(place.at.Frames) > 0 {
			text += "  " + place.word + " at " + place.at.String() + "\n"
		}
	}
	_, _ = os.Stderr.WriteString(text)
}
