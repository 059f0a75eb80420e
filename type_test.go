// SPDX-License-Identifier: MIT

package belay_test

import (
	"strings"
	"testing"
	"unsafe"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

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
		"nil option":   func() { belay.NewType[*testc.Thing]("x", end, nil) },
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
