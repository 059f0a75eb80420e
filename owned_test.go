// SPDX-License-Identifier: MIT

package belay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

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

func TestZeroOwned(t *testing.T) {
	var o belay.Owned[*testc.Thing]
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if err := o.CloseWait(context.Background()); err != nil {
		t.Error(err)
	}
	if err := o.Do(func(*testc.Thing) error { t.Error("called"); return nil }); !errors.Is(err, belay.ErrClosed) {
		t.Error(err)
	}
	b, err := o.Borrow()
	if !errors.Is(err, belay.ErrClosed) || b.Ptr() != nil {
		t.Error(err, b.Ptr())
	}
	b.Return()
	if _, err := o.Disown(); !errors.Is(err, belay.ErrClosed) {
		t.Error(err)
	}
	if err := o.Resize(1); !errors.Is(err, belay.ErrClosed) {
		t.Error(err)
	}
	if o.String() != "nothing" {
		t.Error(o)
	}
	if _, err := thingType.Own(nil); !errors.Is(err, belay.ErrInvalid) {
		t.Error(err)
	}
	var noType belay.Type[*testc.Thing]
	if _, err := noType.Own(nil); !errors.Is(err, belay.ErrInvalid) || noType.Name() != "?" {
		t.Error(err)
	}
}

// Goal: the whole life, for every kind of destructor. Method: borrow, close
// twice, use after, and count the ends.
func TestLife(t *testing.T) {
	for _, kind := range []belay.Type[*testc.Thing]{thingType, cType} {
		t.Run(kind.Name(), func(t *testing.T) {
			o, gone := own(t, kind)
			b, err := o.Borrow()
			if err != nil {
				t.Fatal(err)
			}
			testc.ThingCall(b.Ptr(), 1)
			b.Return()
			if b.Ptr() != nil {
				t.Error("a pointer after Return")
			}
			calls := uint64(0)
			if err := o.Do(func(p *testc.Thing) error { calls = testc.ThingPeek(p); return nil }); err != nil || calls != 1 {
				t.Error(err, calls)
			}
			copied := o
			if err := o.Close(); err != nil || *gone != 1 {
				t.Error(err, *gone)
			}
			if err := copied.Close(); err != nil || *gone != 1 {
				t.Error(err, *gone)
			}
			if _, err := copied.Borrow(); !errors.Is(err, belay.ErrClosed) {
				t.Error(err)
			}
			var e *belay.Error
			if err := o.Do(nil); !errors.As(err, &e) || e.Op != "borrow" || e.Type != kind.Name() {
				t.Errorf("%#v", e)
			}
		})
	}
}

// Goal: a stale handle does not lend the name of another type. Method: own an
// object of another type in its slot.
func TestStaleHandleHasNoOtherName(t *testing.T) {
	first, _ := own(t, thingType)
	_ = first.Close()
	if text := first.String(); !strings.HasPrefix(text, "thing#") {
		t.Error(text)
	}
	_, slot, _ := strings.Cut(first.String(), "#")
	slot, _, _ = strings.Cut(slot, ".")
	second, _ := own(t, cType)
	defer second.Close()
	if !strings.HasPrefix(second.String(), "thing in C#"+slot+".") {
		t.Skip("the slot was not used again", first, second)
	}
	_, errBorrow := first.Borrow()
	_, errDisown := first.Disown()
	for _, text := range []string{first.String(), errBorrow.Error(), errDisown.Error(), first.Resize(1).Error()} {
		if strings.Contains(text, "thing") || !strings.Contains(text, "?") {
			t.Error(text)
		}
	}
}

// Goal: a stale handle is refused when its slot has another object. Method: own
// again at once, so that the slot is reused.
func TestStaleHandle(t *testing.T) {
	first, _ := own(t, thingType)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, gone := own(t, thingType)
	if first == second {
		t.Fatal("two objects have one handle")
	}
	if _, err := first.Borrow(); !errors.Is(err, belay.ErrClosed) {
		t.Error(err)
	}
	if err := first.Close(); err != nil || *gone != 0 {
		t.Error(err, *gone)
	}
	if err := second.Close(); err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
}

func TestHandleIsAValue(t *testing.T) {
	type wrapper struct{ belay.Owned[*testc.Thing] }
	o, gone := own(t, thingType)
	w := wrapper{o}
	seen := map[wrapper]bool{w: true}
	if !seen[wrapper{w.Owned}] {
		t.Error("a copy is another key")
	}
	var err error
	func() { defer belay.CloseInto(&err, w) }()
	if err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
	if opaque := belay.NewType[*testc.Opaque]("opaque"); opaque.Name() != "opaque" {
		t.Error(opaque.Name())
	}
}

// Goal: Close of an object in use returns at once, and the last use destroys
// it. Method: two borrows, for destructors in Go and in C.
func TestCloseWhileBorrowed(t *testing.T) {
	for _, kind := range []belay.Type[*testc.Thing]{thingType, cType} {
		o, gone := own(t, kind)
		a, _ := o.Borrow()
		b, err := o.Borrow()
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Close(); err != nil || *gone != 0 {
			t.Error(err, *gone)
		}
		if o.IsOpen() {
			t.Error("open after Close")
		}
		if _, err := o.Borrow(); !errors.Is(err, belay.ErrClosed) {
			t.Error(err)
		}
		a.Return()
		if *gone != 0 {
			t.Error("destroyed while borrowed")
		}
		testc.ThingCall(b.Ptr(), 1)
		b.Return()
		if *gone != 1 {
			t.Error("not destroyed by the last Return")
		}
	}
}

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
		t.Skip("32767 collections")
	}
	o, gone := own(t, cType)
	var loans [32767]belay.Loan[*testc.Thing]
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

func TestDisown(t *testing.T) {
	o, gone := own(t, thingType)
	b, _ := o.Borrow()
	if _, err := o.Disown(); !errors.Is(err, belay.ErrBusy) {
		t.Error(err)
	}
	b.Return()
	p, err := o.Disown()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil || *gone != 0 {
		t.Error(err, *gone)
	}
	testc.ThingEnd(p)
}

func TestResizeAndMeasure(t *testing.T) {
	size := uint64(1000)
	kind := belay.NewType[*testc.Thing]("measured", belay.Destroy(endThing),
		belay.SizeFunc(func(*testc.Thing) uint64 { return size }))
	o, _ := own(t, kind)
	if got := kind.Stats().LiveBytes; got != 1000 {
		t.Error(got)
	}
	size = 3000
	if err := o.Measure(); err != nil || kind.Stats().LiveBytes != 3000 {
		t.Error(err, kind.Stats().LiveBytes)
	}
	if err := o.Resize(10); err != nil || kind.Stats().LiveBytes != 10 {
		t.Error(err, kind.Stats().LiveBytes)
	}
	o.Close()
	if got := kind.Stats(); got.LiveBytes != 0 || got.Live != 0 || got.Opened != 1 || got.Closed != 1 {
		t.Errorf("%+v", got)
	}
	sized, _ := own(t, kind, belay.Size(77))
	if got := kind.Stats().LiveBytes; got != 77 {
		t.Error(got)
	}
	sized.Close()
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

func TestCloseWait(t *testing.T) {
	o, gone := own(t, thingType)
	b, _ := o.Borrow()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := o.CloseWait(ctx); !errors.Is(err, belay.ErrTimedOut) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	done := make(chan error)
	go func() { done <- o.CloseWait(context.Background()) }()
	time.Sleep(10 * time.Millisecond)
	b.Return()
	if err := <-done; err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
	if err := o.CloseWait(context.Background()); err != nil {
		t.Error(err)
	}

	late, gone := own(t, failType)
	b, _ = late.Borrow()
	go func() { done <- late.CloseWait(context.Background()) }()
	time.Sleep(10 * time.Millisecond)
	b.Return()
	if err := <-done; !errors.Is(err, belay.ErrDestroyFailed) || *gone != 1 {
		t.Error(err, *gone)
	}
}

// Goal: CloseWait during another goroutine's Close sees the end. Method: a
// destructor that waits until someone waits for it.
func TestCloseWaitDuringDestructor(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	kind := belay.NewType[*testc.Thing]("slow to end", belay.Destroy(func(p *testc.Thing) error {
		close(entered)
		<-leave
		testc.ThingEnd(p)
		return nil
	}))
	o, gone := own(t, kind)
	closing, waiting := make(chan error), make(chan error)
	go func() { closing <- o.Close() }()
	<-entered
	go func() { waiting <- o.CloseWait(context.Background()) }()
	select {
	case err := <-waiting:
		t.Fatal("came back during the destructor", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(leave)
	if err := errors.Join(<-closing, <-waiting); err != nil || *gone != 1 {
		t.Error(err, *gone)
	}
}

// Goal: children end before their parent, newest first. Method: a destructor
// that writes down who ends.
func TestChildren(t *testing.T) {
	var order []string
	ends := func(name string) belay.Option {
		return belay.Destroy(func(p *testc.Thing) error {
			order = append(order, name)
			testc.ThingEnd(p)
			return nil
		})
	}
	parentType := belay.NewType[*testc.Thing]("parent", ends("parent"))
	childType := belay.NewType[*testc.Thing]("child", ends("child"))
	parent, _ := own(t, parentType)
	one, _ := own(t, childType, belay.ChildOf(parent))
	_, _ = own(t, childType, belay.ChildOf(parent))
	if _, err := parent.Disown(); !errors.Is(err, belay.ErrBusy) {
		t.Error(err)
	}
	if err := one.Do(func(*testc.Thing) error { return parent.Close() }); err != nil {
		t.Error(err)
	}
	if !slices.Equal(order, []string{"child", "child", "parent"}) {
		t.Error(order)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	p := testc.ThingNew(nil, nil)
	if _, err := childType.Own(p, belay.ChildOf(parent)); !errors.Is(err, belay.ErrClosed) {
		t.Error(err)
	}
	testc.ThingEnd(p)

	order = nil
	holdType := belay.NewType[*testc.Thing]("holding", ends("parent"), belay.HoldChildren())
	parent, _ = own(t, holdType)
	one, _ = own(t, childType, belay.ChildOf(parent))
	if err := parent.Close(); err != nil || len(order) != 0 {
		t.Error(err, order)
	}
	if err := one.Close(); err != nil || !slices.Equal(order, []string{"child", "parent"}) {
		t.Error(err, order)
	}
}

func TestNewTypeRefusesMistakes(t *testing.T) {
	end := belay.Destroy(endThing)
	for name, make := range map[string]func(){
		"not a pointer":   func() { belay.NewType[int]("x") },
		"empty":           func() { belay.NewType[unsafe.Pointer]("") },
		"too long":        func() { belay.NewType[unsafe.Pointer](strings.Repeat("x", 112)) },
		"two destructors": func() { belay.NewType[*testc.Thing]("x", end, belay.Free()) },
		"other pointer":   func() { belay.NewType[*testc.Small]("x", end) },
		"nil function":    func() { belay.NewType[*testc.Small]("x", belay.DestroyC(nil)) },
		"guard and rule":  func() { belay.NewType[*testc.Small]("x", belay.GuardDomain(), belay.ThreadSerial()) },
		"shared guard":    func() { belay.NewType[*testc.Small]("x", belay.GuardDomain(), belay.NetShared()) },
		"two guards":      func() { belay.NewType[*testc.Small]("x", belay.GuardDomain(), belay.GuardExclusive()) },
		"two rules":       func() { belay.NewType[*testc.Small]("x", belay.ThreadPinned(), belay.ThreadSerial()) },
		"two meanings": func() {
			belay.NewType[*testc.Thing]("x", belay.DestroyC(testc.DropEnd), belay.OnErrorGone(), belay.OnErrorKept())
		},
		"two contexts": func() { belay.NewType[*testc.Thing]("x", belay.DestroyC(testc.DropEnd, nil, nil)) },
		"nil size":     func() { belay.NewType[*testc.Thing]("x", end, belay.SizeFunc[*testc.Thing](nil)) },
		"nil judge":    func() { belay.NewType[*testc.Thing]("x", belay.DestroyC(testc.DropEnd), belay.Judge(nil)) },
		"judge in Go":  func() { belay.NewType[*testc.Thing]("x", end, belay.OnErrorKept()) },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "belay: NewType(") {
					t.Errorf("%s: %q", name, text)
				}
			}()
			make()
		}()
	}
}

// Goal: no text about an object holds an address. Method: look for the pointer
// in every way to print.
func TestTextsHaveNoAddress(t *testing.T) {
	o, _ := own(t, thingType)
	defer o.Close()
	var address string
	_ = o.Do(func(p *testc.Thing) error { address = fmt.Sprintf("%p", p); return nil })
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("it", "object", o)
	for _, text := range []string{fmt.Sprint(o), fmt.Sprintf("%+v", o), log.String()} {
		if strings.Contains(text, address[2:]) || strings.Contains(text, "0xc") || !strings.Contains(text, "thing") {
			t.Error(text)
		}
	}
}

// Goal: nothing on the common paths allocates. Method: testing.AllocsPerRun.
func TestNoAllocations(t *testing.T) {
	if raceOrAsan || os.Getenv("BELAY_STRESS") != "" {
		t.Skip("sanitizers and collections allocate")
	}
	belay.SetLevel(belay.LevelOff)
	defer belay.SetLevel(belay.LevelSampled)
	small := testc.MallocSmall()
	defer testc.FreeSmall(small)
	o, _ := nameType.Own(small)
	defer o.Close()
	parent, _ := own(t, thingType)
	defer parent.Close()
	var seen *testc.Small
	for name, f := range map[string]func(){
		"own and close": func() { n, _ := nameType.Own(small, belay.Size(3)); _ = n.Close() },
		"life":          func() { n, _ := smallType.Own(testc.MallocSmall()); borrowDefer(n); _ = n.Close() },
		"go destructor": func() { n, _ := thingType.Own(testc.ThingNew(nil, nil)); _ = n.Close() },
		"c destructor":  func() { n, _ := cType.Own(testc.ThingNew(nil, nil)); _ = n.Close() },
		"child":         func() { n, _ := cType.Own(testc.ThingNew(nil, nil), belay.ChildOf(parent)); _ = n.Close() },
		"borrow":        func() { b, _ := o.Borrow(); seen = b.Ptr(); b.Return() },
		"do":            func() { _ = o.Do(func(p *testc.Small) error { seen = p; return nil }) },
	} {
		if allocs := testing.AllocsPerRun(1000, f); allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
	_ = seen
}
