// SPDX-License-Identifier: MIT

package belay

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestPackageOf(t *testing.T) {
	for function, want := range map[string]string{
		"main.main":                              "main",
		"belay.example/belay.(*stripe).renew":    "belay.example/belay",
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

// Goal: a module's packages are not taken for the standard library's, whatever the module is called.
func TestDotlessOf(t *testing.T) {
	firsts := dotlessOf(&debug.BuildInfo{Path: "command-line-arguments", Main: debug.Module{Path: "shop"},
		Deps: []*debug.Module{{Path: "shared/wrappers"}, {Path: "example.org/net"}}})
	for first, want := range map[string]bool{"main": true, "command-line-arguments": true, "shop": true,
		"shared": true, "net": false, "wrappers": false} {
		if firsts[first] != want {
			t.Errorf("%q: %v", first, !want)
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
	if want := "belay.TestLine " + file + ":48"; line != want {
		t.Errorf("%q, not %q", line, want)
	}
	k.file = file
	if line, _ := k.line(runtime.CallersFrames(pcs[:count])); line != "belay.TestLine "+file+":48" {
		t.Error("without another file it is the wrapper's own line, not", line)
	}
}

// Goal: a line that the trace reaches is found in the table from then on; of one beyond, the
// table says so, and a longer trace finds it. Each line has its own site. Method: the line that
// counts is at none, one or two wrappers from the one that asks.
func TestSiteIsRemembered(t *testing.T) {
	k := &kind{pkg: ownPackage, file: wrapperFile(), id: typeMax}
	for wrappers, wrapper := range []func(*kind) (uint32, chain){siteFrom, wrapOnce, wrapTwice} {
		isDeep := wrappers == 2
		var sites [3]string
		for i := range 2 {
			site, c := wrapper(k)
			if c.cell().isOf(c) == isDeep || c.isDeep() != isDeep {
				t.Errorf("%d wrappers: the table has %x for chain %x", wrappers, c.cell(), c)
			}
			sites[i] = bindSiteText(site)
		}
		site, _ := wrapper(k)
		sites[2] = bindSiteText(site)
		if sites[0] != sites[1] || sites[0] == sites[2] || !strings.HasPrefix(sites[0], "belay.TestSiteIsRemembered ") {
			t.Errorf("%d wrappers: %q", wrappers, sites)
		}
	}
}
