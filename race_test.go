// SPDX-License-Identifier: MIT

//go:build race

package belay_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unsafe"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// Goal: the race detector reports a use that nothing orders before the close.
// Method: a child process that takes the pointer from a copied Loan whose
// borrow was returned, while another goroutine closes the object; and the same
// with the borrow kept, which must be silent.
func TestUseAgainstCloseIsARace(t *testing.T) {
	if which := os.Getenv("BELAY_TEST_RACE"); which != "" {
		useAgainstClose(t, which == "bad")
		return
	}
	for _, which := range []string{"bad", "good"} {
		command := exec.Command(os.Args[0], "-test.run=^TestUseAgainstCloseIsARace$")
		command.Env = append(os.Environ(), "BELAY_TEST_RACE="+which)
		out, err := command.CombinedOutput()
		if found := strings.Contains(string(out), "DATA RACE"); found != (which == "bad") || (err != nil) != found {
			t.Errorf("%s: race reported: %v, %v\n%s", which, found, err, out)
		}
	}
}

func useAgainstClose(t *testing.T, bad bool) {
	o, _ := own(t, thingType)
	loan, err := o.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	second := &loan
	if bad {
		// The mistake, past go vet, which sees a copied Loan.
		var raw belay.Loan[*testc.Thing]
		type bytes [unsafe.Sizeof(raw)]byte
		*(*bytes)(unsafe.Pointer(&raw)) = *(*bytes)(unsafe.Pointer(&loan))
		loan.Return()
		second = &raw
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		time.Sleep(50 * time.Millisecond) // no order, only later
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}()
	var p *testc.Thing
	for range 3 {
		p = second.Ptr()
	}
	_ = p
	if !bad {
		loan.Return()
	}
	<-done
}

// Goal: a copy that is closed late, when its slot is an object of a newer type, is
// no race of this package. Method: nothing orders the close behind the making of
// that type, or behind the object.
func TestLateCloseIsNoRace(t *testing.T) {
	newType := func(name string) belay.Type[*testc.Thing] {
		return belay.NewType[*testc.Thing](name, belay.NetExact())
	}
	o, _ := own(t, newType("late close"))
	made, done := time.After(50*time.Millisecond), make(chan error)
	go func() {
		<-made // no order, only later
		done <- o.Close()
	}()
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	later, _ := own(t, newType("late close, newer"))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := later.Close(); err != nil {
		t.Fatal(err)
	}
}
