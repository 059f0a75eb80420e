// SPDX-License-Identifier: MIT

// Package archive reads tar, zip, cpio and other archives with libarchive.
package archive

// #cgo LDFLAGS: -larchive
// #include <archive.h>
// #include <archive_entry.h>
import "C"

import (
	"fmt"
	"io"
	"unsafe"

	"belay.example/belay"
)

var readerType = belay.NewType[*C.struct_archive]("archive", belay.GuardExclusive(),
	belay.Destroy(func(p *C.struct_archive) error { C.archive_read_free(p); return nil }))

// A Reader is an open archive. It must be closed. Goroutines may share it.
type Reader struct {
	owned belay.Owned[*C.struct_archive]
}

func check(p *C.struct_archive, code C.int) error {
	if code >= C.ARCHIVE_WARN { // a warning is below zero too
		return nil
	}
	return fmt.Errorf("archive: %s", C.GoString(C.archive_error_string(p)))
}

// Open opens the archive in a file.
func Open(path string) (r Reader, err error) {
	s := belay.NewScope()
	defer s.Close()
	p := C.archive_read_new()
	C.archive_read_support_filter_all(p)
	C.archive_read_support_format_all(p)
	err = check(p, C.archive_read_open_filename(p, (*C.char)(s.CString(path)), 64<<10))
	if err == nil {
		r.owned, err = readerType.Own(p)
	}
	if err != nil {
		C.archive_read_free(p) // still ours
	}
	return r, err
}

// Next goes to the next entry. At the end the error is io.EOF.
func (r Reader) Next() (name string, size int64, err error) {
	err = r.owned.Do(func(p *C.struct_archive) error {
		var e *C.struct_archive_entry // the archive's, until the next call
		if code := C.archive_read_next_header(p, &e); code == C.ARCHIVE_EOF {
			return io.EOF
		} else if err := check(p, code); err != nil {
			return err
		}
		name, size = C.GoString(C.archive_entry_pathname(e)), int64(C.archive_entry_size(e))
		return nil
	})
	return
}

// Read reads the bytes of the entry. At its end the error is io.EOF.
func (r Reader) Read(to []byte) (n int, err error) {
	err = r.owned.Do(func(p *C.struct_archive) error {
		got := C.archive_read_data(p, unsafe.Pointer(unsafe.SliceData(to)), C.size_t(len(to)))
		if n = max(int(got), 0); got == 0 && len(to) > 0 {
			return io.EOF
		}
		return check(p, C.int(min(got, 0)))
	})
	return
}

// Close closes the archive, or has the call that uses it do so when it ends.
func (r Reader) Close() error { return r.owned.Close() }
