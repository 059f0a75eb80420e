// SPDX-License-Identifier: MIT

package belay_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// Goal: a destructor's error reaches the closer, and says whether the object is
// gone. Method: every way to fail, in Go and in C.
func TestDestructorErrors(t *testing.T) {
	why := errors.New("not now")
	fail := true
	goType := belay.NewType[*testc.Thing]("refusing in Go", belay.Destroy(func(p *testc.Thing) error {
		if fail {
			return belay.Refuse(why)
		}
		testc.ThingEnd(p)
		return nil
	}))
	o, gone := own(t, goType)
	if err := o.Close(); !errors.Is(err, belay.ErrRefused) || !errors.Is(err, why) {
		t.Error(err)
	}
	if err := o.Do(func(*testc.Thing) error { return nil }); err != nil {
		t.Error("not open again:", err)
	}
	fail = false
	if err := o.Close(); err != nil || *gone != 1 {
		t.Error(err, *gone)
	}

	badType := belay.NewType[*testc.Thing]("failing in Go", belay.Destroy(func(p *testc.Thing) error {
		testc.ThingEnd(p)
		return why
	}))
	o, gone = own(t, badType)
	if err := o.Close(); !errors.Is(err, belay.ErrDestroyFailed) || !errors.Is(err, why) || *gone != 1 {
		t.Error(err, *gone)
	}

	var e *belay.Error
	o, gone = own(t, failType)
	if err := o.Close(); !errors.As(err, &e) || e.Code != 7 || !errors.Is(err, belay.ErrDestroyFailed) || *gone != 1 {
		t.Error(err, *gone)
	}
	testc.Refuse(1)
	o, gone = own(t, refuseType)
	if err := o.Close(); !errors.As(err, &e) || e.Code != 5 || !errors.Is(err, belay.ErrRefused) || *gone != 0 {
		t.Error(err, *gone)
	}
	if err := o.Close(); err != nil || *gone != 1 {
		t.Error(err, *gone)
	}

	code := testc.Int(9)
	judged := belay.NewType[*testc.Thing]("judged", belay.DestroyC(testc.DropContext, code),
		belay.Judge(func(code int) belay.Verdict {
			if code == 9 {
				return belay.Ignore
			}
			return belay.Gone
		}))
	o, gone = own(t, judged)
	if err := o.Close(); err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
	*(*int32)(code) = 8
	o, gone = own(t, judged)
	if err := o.Close(); !errors.As(err, &e) || e.Code != 8 || *gone != 1 {
		t.Error(err, *gone)
	}
}

// Goal: closing a parent tells why a child refused, whatever languages their
// destructors are in. Method: a refusing child in C below a parent in Go, and the
// other way round, after as many errors in Go as there are codes to confuse.
func TestChildsErrorReachesTheParentsCloser(t *testing.T) {
	why := errors.New("the child is not ready")
	goRefuses, refusing := belay.NewType[*testc.Thing]("refusing child", belay.Destroy(func(p *testc.Thing) error {
		if why != nil {
			return belay.Refuse(why)
		}
		testc.ThingEnd(p)
		return nil
	})), refuseType
	for range 8 { // C's code is 5: no error of Go's may stand there
		o, _ := own(t, goRefuses)
		if err := o.Close(); !errors.Is(err, why) {
			t.Error(err)
		}
		defer o.Close()
	}
	parent, _ := own(t, thingType)
	child, _ := own(t, refusing, belay.ChildOf(parent))
	testc.Refuse(1)
	var e *belay.Error
	if err := parent.Close(); !errors.Is(err, belay.ErrRefused) || !errors.As(err, &e) || e.Code != 5 || e.Cause != nil {
		t.Errorf("%v, %+v", err, e)
	}
	if err := errors.Join(child.Close(), parent.Close()); err != nil {
		t.Error(err)
	}

	reports := reportsOf(t, "refusing child")
	parent, _ = own(t, cType)
	child, _ = own(t, goRefuses, belay.ChildOf(parent))
	if err := parent.Close(); !errors.Is(err, belay.ErrRefused) || !errors.Is(err, why) || !errors.As(err, &e) || e.Code != 0 {
		t.Errorf("%v, %+v", err, e)
	}
	if told := reports(belay.ReportDestroyRefused); len(told) != 1 || !errors.Is(told[0].Err, why) ||
		!strings.Contains(told[0].Message, why.Error()) || strings.Contains(told[0].Message, "code") {
		t.Errorf("%+v", told)
	}
	why = nil
	if err := errors.Join(child.Close(), parent.Close()); err != nil {
		t.Error(err)
	}
}

// Goal: a destructor that panics or exits leaves no slot stuck. Method: both,
// from Close and from the last Return; the type must have no live object after.
func TestDestructorLeaves(t *testing.T) {
	var leave func()
	kind := belay.NewType[*testc.Thing]("leaving", belay.Destroy(func(p *testc.Thing) error {
		testc.ThingEnd(p)
		leave()
		return nil
	}))
	o, _ := own(t, kind)
	leave = func() { panic("in the destructor") }
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not reach the closer")
			}
		}()
		_ = o.Close()
	}()
	o, _ = own(t, kind)
	leave = runtime.Goexit
	done := make(chan bool)
	go func() {
		defer close(done)
		_ = o.Close()
	}()
	<-done

	reports := reportsOf(t, "leaving")
	panics := make(chan belay.Report, 10)
	stop := belay.OnReport(func(r belay.Report) {
		if r.Kind == belay.ReportPanic {
			panics <- r
		}
	})
	defer stop()
	o, _ = own(t, kind)
	leave = func() { panic("in a late destructor") }
	b, _ := o.Borrow()
	_ = o.Close()
	b.Return()
	if r := <-panics; r.Err == nil || !strings.Contains(r.Err.Error(), "in a late destructor") {
		t.Error(r)
	}
	if late := reports(belay.ReportDestroyFailed); len(late) != 1 || late[0].Err == nil {
		t.Error("the late error was not reported", late)
	}
	o, _ = own(t, kind)
	leave = runtime.Goexit
	b, _ = o.Borrow()
	_ = o.Close()
	done = make(chan bool)
	go func() {
		defer close(done)
		b.Return()
		t.Error("Goexit was lost")
	}()
	<-done
	if stats := kind.Stats(); stats.Live != 0 || stats.Failed != 4 {
		t.Errorf("%+v", stats)
	}
}
