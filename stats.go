// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import "time"

// TypeStats counts the objects of one type. A reading is exact when the program
// is quiet, and at most a few operations off when it is not.
type TypeStats struct {
	Name      string
	Opened    uint64
	Closed    uint64 // destroyed because the program closed it
	Rescued   uint64 // destroyed because the net found it
	Leaked    uint64 // destroyed by Shutdown, never closed
	Disowned  uint64
	Refused   uint64 // times a destructor refused
	Failed    uint64 // gone with an error
	Misused   uint64 // calls refused as misuse
	Live      uint64 // opened and not yet gone
	LiveBytes uint64
	LivePeak  uint64 // sampled: short peaks may be missed
	BytesPeak uint64
}

// Stats counts everything.
type Stats struct {
	Total TypeStats
	Types []TypeStats // in the order they were made
}

// ReadStats reads the counters, without stopping anything.
func ReadStats() Stats {
	stats := Stats{Total: typeStats(0)}
	stats.Total.Name = "total"
	for id := uint32(1); id <= typeCount(); id++ {
		one := typeStats(id)
		one.Name = typeName(id)
		stats.Types = append(stats.Types, one)
	}
	return stats
}

// Stats reads the counters of this type.
func (t Type[P]) Stats() TypeStats {
	if t.kind == nil {
		return TypeStats{Name: "?"}
	}
	stats := typeStats(t.kind.id)
	stats.Name = t.kind.name
	return stats
}

// Object is an open object, as [Live] lists it.
type Object struct {
	ID      uint64 // never used again for another object; 0: see Live
	Parent  uint64 // its ID; 0: none
	Type    string
	Opened  string // "function file:line"
	Age     time.Duration
	Bytes   uint64
	Borrows int
	Closing bool // closed, and still in use
}

// Live lists the open objects, without stopping the program: one that opens or
// closes meanwhile may or may not be in it. One that the net is about to end is
// Closing, and its ID is 0.
func Live() []Object { return live() }

// Drain waits until the objects that the collector found forgotten so far are
// destroyed. False: not within timeout. runtime.GC has it look, but returns before what
// it found is told to the net: a moment passes in between.
func Drain(timeout time.Duration) bool { return drain(timeout) == statusOK }
