// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// profResults has belay-prof's own bench run its programs, with it and with its peers, and reads
// the rows that it prints.
func profResults() []result {
	const script = "../prof/bench/run"
	run := exec.Command(script, "--build", "../build")
	run.Stderr = os.Stderr
	rows, err := run.Output()
	check(err)
	var results []result
	for line := range strings.Lines(string(rows)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if len(fields) != 5 || strings.HasPrefix(line, "#") {
			continue
		}
		ours, err := strconv.ParseFloat(fields[1], 64)
		check(err)
		theirs, err := strconv.ParseFloat(fields[3], 64)
		check(err)
		results = append(results, result{fields[0], ours, fields[2], theirs, ours / theirs})
	}
	return results
}
