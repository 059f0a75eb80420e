// SPDX-License-Identifier: MIT

package belaytest

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"
	"unsafe"

	"belay.example/belay"
	"belay.example/belay/internal/opened"
)

// An opening is an object that a checked test opened.
type opening struct {
	handle uint64
	owner  unsafe.Pointer // the labels of the goroutine that opened it
	net    unsafe.Pointer // kept, so that what the test forgets is still there at its end
}

// openings holds them by slot, the low bits of a handle, so that it grows no larger than the
// table of objects.
var openings = struct {
	sync.Mutex
	bySlot map[uint32]opening
	owners map[unsafe.Pointer]bool
}{bySlot: map[uint32]opening{}, owners: map[unsafe.Pointer]bool{}}

const slotBits = 1<<24 - 1

func init() {
	opened.Watch(noteOpening)
}

func noteOpening(handle uint64, net unsafe.Pointer) {
	owner := labels()
	openings.Lock()
	defer openings.Unlock()
	slot := uint32(handle & slotBits)
	if openings.owners[owner] {
		openings.bySlot[slot] = opening{handle, owner, net}
	} else {
		delete(openings.bySlot, slot)
	}
}

// watch begins to note what goroutines with these labels open.
func watch(owner unsafe.Pointer) {
	openings.Lock()
	defer openings.Unlock()
	openings.owners[owner] = true
}

// unwatch forgets the owner and lets the net have what it left.
func unwatch(owner unsafe.Pointer) {
	openings.Lock()
	defer openings.Unlock()
	delete(openings.owners, owner)
	for slot, o := range openings.bySlot {
		if o.owner == owner {
			delete(openings.bySlot, slot)
		}
	}
}

// left returns those of the owner's objects that are still there.
func left(owner unsafe.Pointer) (objects []belay.Object) {
	all := belay.Live()
	openings.Lock()
	defer openings.Unlock()
	for _, object := range all {
		if o, ok := openings.bySlot[uint32(object.ID&slotBits)]; ok && o.handle == object.ID && o.owner == owner {
			objects = append(objects, object)
		}
	}
	return objects
}

// patience is how long a leak may be a goroutine or a C thread that is about to finish.
var patience = time.Second

// settle asks until nothing is left or patience ends, and returns what is left.
func settle(ask func() []belay.Object) []belay.Object {
	pause := time.Millisecond
	for end := time.Now().Add(patience); ; pause = min(2*pause, 100*time.Millisecond) {
		objects := ask()
		if len(objects) == 0 || time.Now().After(end) {
			return objects
		}
		time.Sleep(pause)
	}
}

// describe lists objects by type and opening line, the most first.
func describe(objects []belay.Object) string {
	counts := map[string]int{}
	for _, o := range objects {
		line := fmt.Sprintf("%s opened at %s", o.Type, o.Opened)
		if o.Closing {
			line += " (closed, but something still uses it)"
		}
		counts[line]++
	}
	return list(counts)
}

func list(counts map[string]int) string {
	lines := make([]string, 0, len(counts))
	for line := range counts {
		lines = append(lines, line)
	}
	sort.Slice(lines, func(i, j int) bool {
		if counts[lines[i]] != counts[lines[j]] {
			return counts[lines[i]] > counts[lines[j]]
		}
		return lines[i] < lines[j]
	})
	var text strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&text, "\n    %d x %s", counts[line], line)
	}
	return text.String()
}
