// SPDX-License-Identifier: MIT

package belay_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// Goal: no profile has a function inlined that reads its own frame: it would read that of
// another, and follow what it finds there. Method: look for the mark at each that does.
func TestFrameReadersAreNotInlined(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	readers := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if !ok || strings.HasSuffix(name, "_test.go") || !readsFrame(function) {
				continue
			}
			readers++
			if function.Doc == nil || !slices.ContainsFunc(function.Doc.List, isNoInline) {
				t.Errorf("%s: %s is not marked", name, function.Name.Name)
			}
		}
	}
	if readers < 3 {
		t.Errorf("found %d functions that read their frame, not own, Close and probe", readers)
	}
}

func isNoInline(line *ast.Comment) bool { return line.Text == "//go:noinline" }

// readsFrame tells whether a function asks for its own trace.
func readsFrame(function *ast.FuncDecl) (does bool) {
	ast.Inspect(function, func(n ast.Node) bool {
		if called, ok := n.(*ast.SelectorExpr); ok && called.Sel.Name == "Trace" {
			of, isName := called.X.(*ast.Ident)
			does = does || isName && of.Name == "goroutine"
		}
		return true
	})
	return does
}
