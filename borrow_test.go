// SPDX-License-Identifier: MIT

package belay_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

func TestSecondReturnIsRefused(t *testing.T) {
	reports := reportsOf(t, "thing")
	o, gone := own(t, thingType)
	a, _ := o.Borrow()
	b, err := o.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	a.Return()
	a.Return()
	if err := o.Close(); err != nil || *gone != 0 {
		t.Error("the second Return took the other borrow", err, *gone)
	}
	b.Return()
	if *gone != 1 {
		t.Error(*gone)
	}
	if len(reports(belay.ReportDoubleReturn)) != 1 {
		t.Error("not reported")
	}
}

func TestTooManyBorrows(t *testing.T) {
	if os.Getenv("BELAY_STRESS") != "" {
		t.Skip("16383 collections")
	}
	o, gone := own(t, cType)
	var loans [16383]belay.Loan[*testc.Thing]
	for i := range loans {
		var err error
		if loans[i], err = o.Borrow(); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := o.Borrow(); !errors.Is(err, belay.ErrTooManyBorrows) {
		t.Error(err)
	}
	for i := range loans {
		loans[i].Return()
	}
	if err := o.Close(); err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
}

// Goal: a panic and a Goexit leave Do with the borrow returned. Method: both,
// then Close must destroy at once.
func TestDoReturnsTheBorrow(t *testing.T) {
	o, gone := own(t, thingType)
	func() {
		defer func() {
			if recover() != "stop" {
				t.Error("the panic was lost")
			}
		}()
		_ = o.Do(func(*testc.Thing) error { panic("stop") })
	}()
	done := make(chan bool)
	go func() {
		defer close(done)
		_ = o.Do(func(*testc.Thing) error { runtime.Goexit(); return nil })
	}()
	<-done
	if err := o.Close(); err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
}

func TestDoContext(t *testing.T) {
	o, _ := own(t, thingType)
	defer o.Close()
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	stopped := make(chan bool)
	interrupted := errors.New("interrupted")
	err := o.DoContext(ctx, func(*testc.Thing) { close(stopped) }, func(*testc.Thing) error {
		cancel(why)
		<-stopped
		return interrupted
	})
	if !errors.Is(err, why) || !errors.Is(err, interrupted) {
		t.Error(err)
	}
	err = o.DoContext(ctx, nil, func(*testc.Thing) error { t.Error("called after the end"); return nil })
	if !errors.Is(err, belay.ErrTimedOut) || !errors.Is(err, why) {
		t.Error(err)
	}
	err = o.DoContext(context.Background(), func(*testc.Thing) { t.Error("interrupted") },
		func(*testc.Thing) error { return nil })
	if err != nil {
		t.Error(err)
	}
}
