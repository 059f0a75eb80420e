// SPDX-License-Identifier: MIT

// Command bench sets Belay beside its peers in one run, interleaved, and writes
// results.tsv and results.svg.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"belay.example/belay"
)

func main() {
	folder := flag.String("o", "../build/bench", "folder for results.tsv and results.svg")
	only := flag.String("only", ".", "run only cases that match this regular expression")
	lives := flag.Bool("lives", false, "serve lives to a parent process (internal)")
	flag.Parse()
	if *lives {
		serveLives()
		return
	}
	chosen, err := regexp.Compile(*only)
	check(err)
	check(os.MkdirAll(*folder, 0o755))

	belay.OnReport(func(belay.Report) {}) // what is forgotten here is forgotten on purpose
	results := run(*folder, chosen)
	runtime.KeepAlive(sink) // what the loops compute is used
	lines := []string{machine(), header}
	for _, r := range results {
		lines = append(lines, r.row())
	}
	table := filepath.Join(*folder, "results.tsv")
	check(os.WriteFile(table, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	check(os.WriteFile(filepath.Join(*folder, "results.svg"), []byte(chart(results)), 0o644))
	fmt.Fprintln(os.Stderr, "written:", table, "and results.svg beside it")
}

// run measures the chosen cases and prints each row as it comes.
func run(folder string, chosen *regexp.Regexp) []result {
	fmt.Println(machine())
	fmt.Println(header)
	var results []result
	tell := func(more []result) {
		for _, r := range more {
			fmt.Println(r.row())
		}
		results = append(results, more...)
	}
	contests := append(borrowContests(), lifeContests()...)
	contests = append(contests, forgottenContest())
	contests = append(contests, destroyContests()...)
	for _, c := range contests {
		if chosen.MatchString(c.name) {
			tell(c.measure())
		}
	}
	if chosen.MatchString("reports") {
		tell(reportResults(folder))
	}
	if chosen.MatchString("prof") {
		tell(profResults())
	}
	return results
}
