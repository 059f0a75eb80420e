// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine is the line that names what the figures were made on.
func machine() string {
	return fmt.Sprintf("# %s; %d CPUs; kernel %s; %s; %s; ns are medians of interleaved rounds, ratio = ours / peer",
		cpu(), runtime.NumCPU(), output("uname", "-r"), runtime.Version(), output("cc", "--version"))
}

func cpu() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}

func output(name string, arguments ...string) string {
	text, _ := exec.Command(name, arguments...).Output()
	first, _, _ := strings.Cut(string(text), "\n")
	return first
}

const header = "case\tours_ns\tpeer\tpeer_ns\tratio"

func (r result) row() string {
	return fmt.Sprintf("%s\t%.2f\t%s\t%.2f\t%.3f", r.name, r.ours, r.peer, r.theirs, r.ratio)
}

// chart draws the ratios as bars, on a page-wide scale that ends at 1.5.
func chart(results []result) string {
	const left, width, line, end = 330, 500, 18, 1.5
	var b strings.Builder
	height := line*len(results) + 50
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`, left+width+80, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/><text x="10" y="18" font-weight="bold">Belay's time as a share of the peer's (shorter is better)</text>`)
	at := func(ratio float64) float64 { return left + width*min(ratio, end)/end }
	for i, r := range results {
		y := 36 + line*i
		colour := "#2a7f62"
		if r.ratio > 1 {
			colour = "#b5452c"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s / %s</text>`, left-8, y+10, r.name, r.peer)
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="12" fill="%s"/>`, left, y, at(r.ratio)-left, colour)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%.2f</text>`, at(r.ratio)+5, y+10, r.ratio)
	}
	fmt.Fprintf(&b, `<line x1="%.1f" y1="28" x2="%.1f" y2="%d" stroke="#333" stroke-dasharray="3 3"/></svg>`, at(1), at(1), height-8)
	return b.String()
}
