// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"errors"
	"fmt"
)

// The errors of this package, one for each status of belay/status.h. What a
// call returns is an [*Error] that wraps one of them: compare with errors.Is.
var (
	ErrInvalid        = errors.New("belay: an argument is not valid")
	ErrOutOfMemory    = errors.New("belay: out of memory")
	ErrTableFull      = errors.New("belay: no room for another handle or type")
	ErrClosed         = errors.New("belay: the object is closed")
	ErrBusy           = errors.New("belay: the object is in use")
	ErrTooManyBorrows = errors.New("belay: the object is borrowed too many times at once")
	ErrNotBorrowed    = errors.New("belay: returned without a borrow")
	ErrRefused        = errors.New("belay: the destructor refused: the object is still open")
	ErrDestroyFailed  = errors.New("belay: the destructor gave an error; the object is gone")
	ErrAlreadyOwned   = errors.New("belay: another handle owns this pointer already")
	ErrWrongThread    = errors.New("belay: the object may not be used on this thread")
	ErrWouldDeadlock  = errors.New("belay: waiting for this object could never end")
	ErrTimedOut       = errors.New("belay: the deadline passed")
	ErrSystem         = errors.New("belay: the operating system refused")
)

// status is belay_status.
type status uint32

const (
	statusOK status = iota
	statusInvalid
	statusOutOfMemory
	statusTableFull
	statusClosed
	statusBusy
	statusTooManyBorrows
	statusNotBorrowed
	statusRefused
	statusDestroyFailed
	statusAlreadyOwned
	statusWrongThread
	statusWouldDeadlock
	statusTimedOut
	statusSystem
)

var sentinels = [...]error{
	nil, ErrInvalid, ErrOutOfMemory, ErrTableFull, ErrClosed, ErrBusy, ErrTooManyBorrows,
	ErrNotBorrowed, ErrRefused, ErrDestroyFailed, ErrAlreadyOwned, ErrWrongThread,
	ErrWouldDeadlock, ErrTimedOut, ErrSystem,
}

func (s status) sentinel() error {
	if int(s) < len(sentinels) {
		return sentinels[s]
	}
	return fmt.Errorf("belay: status %d", s)
}

// Error is a failed call: what was done to an object of which type, and why it
// failed. Err is one of the package's errors. Cause is what lies behind it, if
// anything: the error of a destructor written in Go, or the cause of a context.
// errors.Is and errors.As find both.
type Error struct {
	Op    string // "own", "borrow", "close", …
	Type  string // the type's name; "?" for the zero Owned
	Err   error
	Cause error
	Code  int // of a destructor in C; 0: none
}

func (e *Error) Error() string {
	text := e.Op + " " + e.Type + ": " + e.Err.Error()
	if e.Code != 0 {
		text += fmt.Sprintf(" (code %d)", e.Code)
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns Err and Cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Cause}
}

// failure is the error of a status; nil for success.
func failure(op string, k *kind, s status) error {
	if s == statusOK {
		return nil
	}
	return failureOf(op, k, s, 0, nil)
}

func failureOf(op string, k *kind, s status, code int, cause error) error {
	return &Error{Op: op, Type: k.nameOrUnknown(), Err: s.sentinel(), Cause: cause, Code: code}
}

// Refuse is what a Go destructor returns when the object is not gone: it is
// open again, and Close returns [ErrRefused] with err as the cause.
func Refuse(err error) error { return &refusal{err} }

type refusal struct{ err error }

func (r *refusal) Error() string { return "refused: " + fmt.Sprint(r.err) }

func (r *refusal) Unwrap() error { return r.err }

// CloseInto closes c and adds its error to *err, for use with defer:
//
//	func load(path string) (err error) {
//		db, err := open(path)
//		…
//		defer belay.CloseInto(&err, db)
func CloseInto(err *error, c interface{ Close() error }) {
	if closing := c.Close(); closing != nil {
		*err = errors.Join(*err, closing)
	}
}
