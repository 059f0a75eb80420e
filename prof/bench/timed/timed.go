// SPDX-License-Identifier: MIT

// Package timed prints what a run took, as the bench's script reads it.
package timed

import (
	"fmt"
	"log"
	"syscall"
	"time"
)

// Print runs and prints the nanoseconds a unit: of processor time, which other work on the
// machine disturbs less, and of the clock on the wall.
func Print(units int, run func()) {
	start, used := time.Now(), cpu()
	run()
	used = cpu() - used
	elapsed := time.Since(start).Nanoseconds()
	fmt.Printf("%.3f %.3f\n", float64(used)/float64(units), float64(elapsed)/float64(units))
}

// cpu is the processor time of this process.
func cpu() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
