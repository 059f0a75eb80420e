// SPDX-License-Identifier: MIT

//go:build !race && !asan

package belay_test

const raceOrAsan = false
