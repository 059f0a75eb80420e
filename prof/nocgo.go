// SPDX-License-Identifier: MIT

//go:build !cgo

// Package prof records C allocations; without cgo there are none, and it does nothing.
package prof

import "errors"

// DefaultEvery is the mean distance of samples in bytes that [Start] takes for 0.
const DefaultEvery = 512 << 10

// Start returns an error: there is nothing to record.
func Start(path string, everyBytes int) error {
	return errors.New("prof: this build has no cgo, and so no C memory to record")
}
