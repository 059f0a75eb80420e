// SPDX-License-Identifier: MIT

//go:build !belay_noreports

package belay_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

//go:noinline
func misuse(o belay.Owned[*testc.Thing]) error {
	_, err := o.Borrow()
	return err
}

// Goal: a use after close names the lines that opened, closed and used. Method:
// each in a function of its own; at LevelAll with stacks.
func TestUseAfterCloseIsReported(t *testing.T) {
	for _, level := range []belay.Level{belay.LevelSampled, belay.LevelAll} {
		belay.SetLevel(level)
		defer belay.SetLevel(belay.LevelSampled)
		kind := belay.NewType[*testc.Thing]("used late", belay.Destroy(endThing))
		reports := reportsOf(t, "used late")
		o, _ := own(t, kind)
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		if err := misuse(o); !errors.Is(err, belay.ErrClosed) {
			t.Error(err)
		}
		all := reports(belay.ReportUseAfterClose)
		if len(all) != 1 {
			t.Fatal(all)
		}
		r := all[0]
		for place, want := range map[*belay.Place]string{
			&r.Opened: "own thing_test.go:", &r.Closed: "TestUseAfterCloseIsReported report_test.go:",
			&r.Used: "misuse report_test.go:",
		} {
			function, file, _ := strings.Cut(want, " ")
			if !strings.Contains(place.Line, function+" ") || !strings.Contains(place.Line, file) {
				t.Errorf("%q, not %s", place.Line, want)
			}
			if has := len(place.Frames) > 0; has != (level == belay.LevelAll) {
				t.Errorf("level %d: %d frames of %s", level, len(place.Frames), want)
			}
			if len(place.Frames) > 0 && !strings.Contains(place.Frames[0].Function, function) {
				t.Errorf("the stack begins at %s, not in %s", place.Frames[0].Function, function)
			}
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("it", "report", r)
		if !strings.Contains(log.String(), "report.kind=use-after-close") || strings.Contains(log.String(), "0xc0") {
			t.Error(log.String())
		}
		if kind.Stats().Misused == 0 {
			t.Error("not counted")
		}
	}
}

func TestLevelAllFindsMore(t *testing.T) {
	belay.SetLevel(belay.LevelAll)
	defer belay.SetLevel(belay.LevelSampled)
	if belay.CurrentLevel() != belay.LevelAll {
		t.Error(belay.CurrentLevel())
	}
	reports := reportsOf(t, "thing")
	o, _ := own(t, thingType)
	var p *testc.Thing
	_ = o.Do(func(q *testc.Thing) error { p = q; return nil })
	if _, err := thingType.Own(p); !errors.Is(err, belay.ErrAlreadyOwned) {
		t.Error(err)
	}
	o.Close()
	o.Close()
	if len(reports(belay.ReportDoubleOwn)) != 1 || len(reports(belay.ReportDoubleClose)) != 1 {
		t.Error("not reported")
	}
}

// Goal: no handler is refused, as it would silence reports. Method: nil.
func TestNoHandlerIsRefused(t *testing.T) {
	defer func() {
		if text, _ := recover().(string); !strings.HasPrefix(text, "belay: OnReport(nil)") {
			t.Errorf("panic(%q)", text)
		}
	}()
	belay.OnReport(nil)
}

// Goal: levels have the words of BELAY_LEVEL. Method: all of them, and one that is none.
func TestLevelWords(t *testing.T) {
	words := fmt.Sprint(belay.LevelOff, belay.LevelSampled, belay.LevelAll, belay.Level(99))
	if words != "off sampled all ?" {
		t.Error(words)
	}
}

// Goal: a handler that panics harms neither the program nor other handlers.
func TestHandlerPanics(t *testing.T) {
	panics := make(chan belay.Report, 10)
	defer belay.OnReport(func(belay.Report) { panic("in the handler") })()
	defer belay.OnReport(func(r belay.Report) {
		if r.Kind == belay.ReportPanic {
			panics <- r
		}
	})()
	o, _ := own(t, belay.NewType[*testc.Thing]("noisy", belay.Destroy(endThing)))
	o.Close()
	_ = misuse(o)
	belay.FlushReports()
	select {
	case r := <-panics:
		if r.Err == nil || !strings.Contains(r.Err.Error(), "in the handler") {
			t.Error(r)
		}
	case <-time.After(time.Second):
		t.Error("the panic was not reported")
	}
}

func TestLive(t *testing.T) {
	kind := belay.NewType[*testc.Thing]("listed", belay.Destroy(endThing))
	parent, _ := own(t, kind, belay.Size(123))
	defer parent.Close()
	child, _ := own(t, kind, belay.ChildOf(parent))
	defer child.Close()
	var of []belay.Object
	for _, object := range belay.Live() {
		if object.Type == "listed" {
			of = append(of, object)
		}
	}
	if len(of) != 2 {
		t.Fatal(of)
	}
	if of[0].Parent != 0 {
		of[0], of[1] = of[1], of[0]
	}
	if of[0].Bytes != 123 || of[1].Parent != of[0].ID || of[0].Closing || of[0].Borrows != 0 {
		t.Errorf("%+v", of)
	}
	total := belay.ReadStats()
	sum := uint64(0)
	for _, one := range total.Types {
		sum += one.Opened
	}
	if sum != total.Total.Opened || total.Total.Live < 2 {
		t.Errorf("%d of %+v", sum, total.Total)
	}
}
