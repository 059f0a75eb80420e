// SPDX-License-Identifier: MIT

package belay

import (
	"runtime"
	"testing"
)

func TestPackageOf(t *testing.T) {
	for function, want := range map[string]string{
		"main.main":                              "main",
		"belay.example/belay.(*stripe).lockThis": "belay.example/belay",
		"example.org/a.b/c%2ed.Open.func1":       "example.org/a.b/c%2ed",
		"net/http.HandlerFunc.ServeHTTP":         "net/http",
		"belay.example/belay.Type[...].Own":      "belay.example/belay",
		"belay.example/belay_test.TestSomething": "belay.example/belay_test",
		"":                                       "",
	} {
		if got := packageOf(function); got != want {
			t.Errorf("%q: %q, not %q", function, got, want)
		}
	}
}

// Goal: the line that a report shows is the one that the program's author wants
// to see. Method: stacks of the usual shapes, through the choosing function.
func TestLine(t *testing.T) {
	if !framesAgree {
		t.Error("the fast walk does not agree with the runtime")
	}
	k := &kind{pkg: ownPackage, file: "elsewhere.go"}
	var pcs [16]uintptr
	count := runtime.Callers(1, pcs[:])
	line, _ := k.line(runtime.CallersFrames(pcs[:count]))
	_, file, _, _ := runtime.Caller(0)
	if want := "belay.TestLine " + file + ":34"; line != want {
		t.Errorf("%q, not %q", line, want)
	}
	k.file = file
	if line, _ := k.line(runtime.CallersFrames(pcs[:count])); line != "belay.TestLine "+file+":34" {
		t.Error("without another file it is the wrapper's own line, not", line)
	}
}
