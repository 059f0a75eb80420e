// SPDX-License-Identifier: MIT

package belaytest

import (
	"testing"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// The wrapper under test: in a file of its own, so that lines outside of it are named.

type point = belay.Owned[*testc.Point]

var pointType = belay.NewType[*testc.Point]("point", belay.Free(), belay.FixedSize(8))

// open opens a point.
func open(t *testing.T) point {
	o, err := pointType.Own(testc.NewPoints(1))
	if err != nil {
		t.Error(err)
	}
	return o
}

func closeAll(t *testing.T, all []point) {
	for _, o := range all {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}
