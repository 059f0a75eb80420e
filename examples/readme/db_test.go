// SPDX-License-Identifier: MIT

package readme

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belay.example/belay"
	"belay.example/belay/belaytest"
)

func TestMain(m *testing.M) { belaytest.Main(m) }

// Goal: what the README shows compiles, and does what it says.
func TestExample(t *testing.T) {
	belaytest.NoLeaks(t)
	if _, err := Open(filepath.Join(t.TempDir(), "no", "folder")); err == nil || !strings.Contains(err.Error(), "unable to open") {
		t.Error(err)
	}
	db, err := Open(filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := db.Changes(); n != 0 || err != nil {
		t.Error(n, err)
	}
	if err := errors.Join(db.Close(), db.Close()); err != nil {
		t.Error(err)
	}
	if _, err := db.Changes(); !errors.Is(err, belay.ErrClosed) {
		t.Error(err)
	}
}

// Goal: what the documents show are the examples. Method: each of their blocks of
// code stands in a file.
func TestDocumentsShowExamples(t *testing.T) {
	for document, files := range map[string][]string{
		"../../README.md":              {"db.go"},
		"../../docs/guide/wrapping.md": {"../sqlite/sqlite/*", "../archive/*"},
	} {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		var code strings.Builder
		for _, pattern := range files {
			names, _ := filepath.Glob(pattern)
			for _, name := range names {
				file, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				code.Write(file)
			}
		}
		count := 0
		for i, block := range strings.Split(string(text), "```") {
			language, lines, _ := strings.Cut(block, "\n")
			if i%2 == 0 || language != "go" && language != "c" {
				continue
			}
			if count++; !strings.Contains(code.String(), lines) {
				t.Errorf("%s: in no example:\n%s", document, lines)
			}
		}
		if count < 2 {
			t.Errorf("%s: %d blocks of code", document, count)
		}
	}
}
