// SPDX-License-Identifier: MIT

package archive

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"belay.example/belay"
	"belay.example/belay/belaytest"
)

func TestMain(m *testing.M) { belaytest.Main(m) }

// write makes a compressed tar file with n entries.
func write(t *testing.T, n int) string {
	path := filepath.Join(t.TempDir(), "files.tar.gz")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	zip := gzip.NewWriter(file)
	to := tar.NewWriter(zip)
	for i := range n {
		text := strings.Repeat(fmt.Sprint(i), 1000)
		if err := to.WriteHeader(&tar.Header{Name: fmt.Sprint("file", i), Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(to, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(to.Close(), zip.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// Goal: the entries come with names, sizes and contents, then io.EOF.
func TestRead(t *testing.T) {
	belaytest.NoLeaks(t)
	r, err := Open(write(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		name, size, err := r.Next()
		if err != nil || name != fmt.Sprint("file", i) || size != 1000 {
			t.Fatalf("%q of %d bytes, %v", name, size, err)
		}
		text, err := io.ReadAll(r)
		if err != nil || string(text) != strings.Repeat(fmt.Sprint(i), 1000) {
			t.Errorf("%d bytes, %v", len(text), err)
		}
	}
	if _, _, err := r.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := r.Next(); !errors.Is(err, belay.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Goal: what is no archive is an error, and leaves nothing behind.
func TestOpenFails(t *testing.T) {
	belaytest.NoLeaks(t)
	if _, err := Open(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("no file: %v", err)
	}
}

// Goal: goroutines may share an archive that is closed meanwhile; each entry comes once.
func TestShared(t *testing.T) {
	belaytest.NoLeaks(t)
	r, err := Open(write(t, 100))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var mutex sync.Mutex
	seen := map[string]bool{}
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				name, _, err := r.Next()
				if err == io.EOF || errors.Is(err, belay.ErrClosed) {
					return
				}
				mutex.Lock()
				if err != nil || seen[name] {
					t.Errorf("%q, %v", name, err)
				}
				seen[name] = true
				isHalf := len(seen) == 50
				mutex.Unlock()
				if isHalf {
					if err := r.Close(); err != nil {
						t.Error(err)
					}
				}
			}
		}()
	}
	group.Wait()
	if len(seen) < 50 {
		t.Errorf("only %d entries", len(seen))
	}
}
