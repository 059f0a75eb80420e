// SPDX-License-Identifier: MIT

package belay

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"belay.example/belay/internal/testc"
)

// Goal: without memory for another slot, Own says so, the caller keeps the
// object, and all goes on when there is memory again. Method: a process that takes
// away its own address space, for shared and for exact nets.
func TestOwnWithoutMemory(t *testing.T) {
	if asanEnabled || raceEnabled || runtime.GOOS != "linux" {
		t.Skip("sanitizers need address space of their own; what is mapped is read from /proc")
	}
	for attempt := 1; ; attempt++ {
		isParent, output, err := alone(t, "BELAY_STRESS=")
		if !isParent {
			ownWithoutMemory(t)
			return
		}
		// Go's own runtime gives up at once when it is the one that finds no memory.
		isRuntime := strings.Contains(output, "runtime: cannot allocate memory")
		if isRuntime && attempt < 5 {
			continue
		}
		if err != nil || strings.Count(output, "no memory after") != 2 {
			t.Errorf("%v\n%s", err, output)
		}
		return
	}
}

func ownWithoutMemory(t *testing.T) {
	debug.SetGCPercent(-1) // Go itself takes as good as nothing from here
	small := testc.MallocSmall()
	kinds := []Type[*testc.Small]{
		NewType[*testc.Small]("shared", FixedSize(64)),
		NewType[*testc.Small]("exact", FixedSize(64), NetExact()),
	}
	for _, kind := range kinds {
		if _, err := kind.Own(small); err != nil {
			t.Fatal(err)
		}
	}
	limit := limitMemory(t)
	for why := statusOK; why == statusOK; {
		_, why = bindGroupTake(groupShared) // what is left of the table
	}
	var counts [2]int
	var failures [2]error
	for i, kind := range kinds {
		for failures[i] == nil && counts[i] < 10000 {
			if _, failures[i] = kind.Own(small); failures[i] == nil {
				counts[i]++
			}
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		t.Fatal(err)
	}
	for i, kind := range kinds {
		if err := failures[i]; !errors.Is(err, ErrOutOfMemory) || errors.Is(err, ErrTableFull) {
			t.Error(counts[i], err)
		}
		t.Logf("no memory after %d more: %v", counts[i], failures[i])
		if o, err := kind.Own(small); err != nil || o.Close() != nil {
			t.Error(err)
		}
	}
}

// limitMemory allows the process what it has, and a little: less than the 512 KiB
// that a segment asks for first, so that what is left is for Go's runtime. It
// returns the limit there was.
func limitMemory(t *testing.T) syscall.Rlimit {
	var pages uint64
	var limit syscall.Rlimit
	statm, err := os.ReadFile("/proc/self/statm")
	_, errScan := fmt.Sscan(string(statm), &pages)
	if err = errors.Join(err, errScan, syscall.Getrlimit(syscall.RLIMIT_AS, &limit)); err != nil {
		t.Fatal(err)
	}
	tight := syscall.Rlimit{Cur: pages*uint64(os.Getpagesize()) + 448<<10, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &tight); err != nil {
		t.Fatal(err)
	}
	return limit
}
