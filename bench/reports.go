// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// child is this program again, built or set up another way, that runs lives on demand: one
// line in is a number of lives, one line out the ns they took.
type child struct {
	in  io.WriteCloser
	out *bufio.Reader
	cmd *exec.Cmd
}

func startChild(program, level string) *child {
	c := &child{cmd: exec.Command(program, "-lives")}
	c.cmd.Env = append(os.Environ(), "BELAY_LEVEL="+level)
	c.cmd.Stderr = os.Stderr
	in, err := c.cmd.StdinPipe()
	check(err)
	out, err := c.cmd.StdoutPipe()
	check(err)
	c.in, c.out = in, bufio.NewReader(out)
	check(c.cmd.Start())
	return c
}

func (c *child) lives(n int) float64 {
	_, err := fmt.Fprintln(c.in, n)
	check(err)
	line, err := c.out.ReadString('\n')
	check(err)
	took, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
	check(err)
	return took
}

func (c *child) stop() {
	c.in.Close()
	check(c.cmd.Wait())
}

// serveLives is the child's side.
func serveLives() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		check(err)
		fmt.Println(timed(ours.one)(n))
	}
}

// buildWithout builds this program with no reports in it.
func buildWithout(folder string) string {
	program := filepath.Join(folder, "bench_noreports")
	build := exec.Command("go", "build", "-tags", "belay_noreports", "-o", program, ".")
	build.Stderr = os.Stderr
	check(build.Run())
	return program
}

// reportResults sets the levels beside each other, each in a process of its own. Processes of one
// program differ a little (where its memory lies), so they are started anew several times.
func reportResults(folder string) []result {
	self, err := os.Executable()
	check(err)
	without := buildWithout(folder)
	const starts, rounds = 27, 11
	names := []string{"no_reports_build", "reports_off", "reports_sampled"}
	each := make([][]float64, len(names))
	for range starts {
		children := []*child{startChild(without, "off"), startChild(self, "off"), startChild(self, "sampled")}
		n := calibrate(side{"", children[0].lives})
		for round := range rounds {
			for i := range children {
				at := (i + round) % len(children)
				each[at] = append(each[at], children[at].lives(n)/float64(n))
			}
		}
		for _, c := range children {
			c.stop()
		}
	}
	var results []result
	for i := 1; i < len(names); i++ {
		ours, theirs := median(each[i]), median(each[i-1])
		results = append(results, result{names[i], ours, names[i-1], theirs, ours / theirs})
	}
	return results
}
