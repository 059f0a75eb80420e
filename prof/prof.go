// SPDX-License-Identifier: MIT

//go:build cgo

// Package prof records where the C memory of this program comes from, from inside: the same
// recorder that belay-prof preloads, linked in. Importing it replaces malloc and its kin by
// functions that record and then call the C library's own.
//
// It is for programs that can't be started by `belay-prof run`: fixed container entry
// points, set-user-id programs, recording that begins at some moment. A blank import is
// enough: the program records when BELAY_PROF_FILE is set in its environment (the other
// variables are those of belay-prof), or when [Start] is called. The trace is read with
// `belay-prof report FILE` at any moment, from outside and also after the program died.
//
// docs/guide/prof.md has a handler that serves such reports over HTTP.
//
// It needs glibc 2.35 or newer, linked dynamically, on Linux amd64, or on Linux arm64 with gcc
// as the C compiler. Elsewhere, and under -asan and -msan, which replace malloc themselves,
// Start returns an error and nothing else changes. It is not for c-shared and c-archive
// builds: malloc belongs to the program there.
package prof

/*
#cgo CFLAGS: -std=c11 -D_GNU_SOURCE -DPROF_LINKED -O2 -fvisibility=hidden
#include "track/start.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// DefaultEvery is the mean distance of samples in bytes that [Start] takes for 0.
const DefaultEvery = 512 << 10

// Start begins to record into a new file at path, in which %p stands for the process id;
// an existing file is not overwritten. It takes one sample each so many bytes on average,
// or every allocation for 1. A thread notices the start at its next MiB of allocations.
//
// A process records once, until it ends: a second Start is an error. Safe for concurrent
// use. The file is created with mode 0600.
func Start(path string, everyBytes int) error {
	if everyBytes < 0 {
		return errors.New("prof: a negative distance of samples")
	}
	if everyBytes == 0 {
		everyBytes = DefaultEvery
	}
	text := append([]byte(path), 0)
	problem, err := C.prof__start_file((*C.char)(unsafe.Pointer(&text[0])), C.uint64_t(everyBytes))
	if problem != nil {
		return fmt.Errorf("prof: %s: %s: %w", path, C.GoString(problem), err)
	}
	return nil
}
