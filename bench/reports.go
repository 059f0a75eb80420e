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

// reportResults sets the levels beside each other, each in a process of its own.
func reportResults(folder string) []result {
	self, err := os.Executable()
	check(err)
	none := startChild(buildWithout(folder), "off")
	off := startChild(self, "off")
	sampled := startChild(self, "sampled")
	defer none.stop()
	defer off.stop()
	defer sampled.stop()
	const rounds = 101
	first := contest{name: "reports_off", rounds: rounds, ours: side{"", off.lives},
		peers: []side{{"no_reports_build", none.lives}}}
	second := contest{name: "reports_sampled", rounds: rounds, ours: side{"", sampled.lives},
		peers: []side{{"reports_off", off.lives}}}
	return append(first.measure(), second.measure()...)
}
