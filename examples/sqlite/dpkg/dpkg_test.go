// SPDX-License-Identifier: MIT

package dpkg

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// Goal: entries, versions and alternatives are read; what is not installed is left out.
func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status")
	text := "Package: a\nStatus: install ok installed\nInstalled-Size: 12\nVersion: 1:2\nArchitecture: all\n" +
		"Pre-Depends: p\nDepends: libc6 (>= 2.36), x | y, perl:any\nDescription: one\n Depends: no\n\n" +
		"Package: b\nStatus: deinstall ok config-files\n\nPackage: c\nStatus: hold ok installed\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	want := []Package{
		{Name: "a", Version: "1:2", Architecture: "all", SizeKiB: 12, Depends: []string{"p", "libc6", "x", "perl"}},
		{Name: "c"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Read(path + ".gone"); err == nil {
		t.Error("read a file that is not there")
	}
}
