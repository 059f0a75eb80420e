// SPDX-License-Identifier: MIT

//go:build !race && cgo

package belay

const raceEnabled = false

type shadow struct{}

func raceBorrowed(*net)  {}
func raceReturning(*net) {}
func raceUse(*net)       {}
func raceOwned(*net)     {}
func raceDestroyed(*net) {}
