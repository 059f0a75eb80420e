// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"os"
	"slices"
	"time"
)

// side is one way to do a thing. It does it n times and says how long that took, in ns; it
// may leave out what is not part of the thing.
type side struct {
	name string
	run  func(n int) float64
}

// timed makes a run of a plain function.
func timed(f func(n int)) func(n int) float64 {
	return func(n int) float64 {
		start := time.Now()
		f(n)
		return float64(time.Since(start))
	}
}

// contest sets Belay beside its peers at one thing.
type contest struct {
	name   string
	ours   side
	peers  []side
	rounds int // 0: chosen by the length of a run
	n      int // operations a run; 0: about 10 ms worth
}

// result is a row of the table.
type result struct {
	name   string
	ours   float64
	peer   string
	theirs float64
	ratio  float64
}

// measure runs all sides in turn, round by round, so that a change in the machine's speed
// meets all of them; medians count.
func (c *contest) measure() []result {
	sides := append([]side{c.ours}, c.peers...)
	counts := make([]int, len(sides))
	for i, s := range sides {
		counts[i] = c.n
		if c.n == 0 {
			counts[i] = calibrate(s)
		}
	}
	rounds := c.rounds
	if rounds == 0 {
		rounds = 41
	}
	each := make([][]float64, len(sides))
	for round := range rounds {
		for i := range sides {
			at := (i + round) % len(sides) // nobody is always first
			s := sides[at]
			each[at] = append(each[at], s.run(counts[at])/float64(counts[at]))
		}
	}
	var results []result
	for i, p := range c.peers {
		ours, theirs := median(each[0]), median(each[i+1])
		results = append(results, result{c.name, ours, p.name, theirs, ours / theirs})
	}
	return results
}

// calibrate finds how many operations take about 10 ms: by the shortest of three runs, as
// one may be held up for longer than that.
func calibrate(s side) int {
	for n := 100; ; n *= 4 {
		took := min(s.run(n), s.run(n), s.run(n))
		if took > 2e6 || n > 1<<26 {
			return max(1, int(float64(n)*1e7/took))
		}
	}
}

func median(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
