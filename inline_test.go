// SPDX-License-Identifier: MIT

package belay_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Goal: the hot paths stay inlined: Own and Borrow are one call each, Return
// and Ptr none. Method: ask the compiler about a package that uses them.
func TestHotPathsAreInlined(t *testing.T) {
	if testing.Short() || raceOrAsan {
		t.Skip("builds the package")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("needs the go command")
	}
	command := exec.Command(goTool, "build", "-gcflags=-m", "-o", os.DevNull, "./internal/testc/inline")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, call := range []string{
		`belay\.Type\[.*\]\.Own`, `belay\.Owned\[.*\]\.Borrow`, `belay\.\(\*loan\)\.Return`,
		`belay\.\(\*Loan\[.*\]\)\.Ptr`, `belay\.Size`, `belay\.ChildOf\[.*\]`,
	} {
		if !regexp.MustCompile(`inline\.go:.*inlining call to ` + call + `(?m:$)`).Match(out) {
			t.Errorf("%s is not inlined", call)
		}
	}
	for line := range strings.Lines(string(out)) {
		ours := strings.Contains(line, "inline/inline.go:")
		if ours && (strings.Contains(line, "escapes to heap") || strings.Contains(line, "moved to heap")) {
			t.Errorf("allocates: %s", line)
		}
	}
}
