// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"belay.example/belay/internal/goroutine"
)

// A destructor in Go runs on the closing goroutine when Close finds the object
// idle, and is called by the core otherwise. Its error has no place in the
// core, which knows codes: the error waits here under a code, odd if the
// object is still there, until the code comes back. It may come back for an
// object of another type: closing a parent gives the code of the child that refused.

const (
	outcomeMax   = 1024
	outcomeFirst = 1 << 30 // codes of C destructors are hardly ever that large
)

var outcomes struct {
	sync.Mutex
	waiting [outcomeMax]struct {
		code int32
		err  error
	}
	count int32
}

// errExited is the outcome of a destructor that left by runtime.Goexit.
var errExited = errors.New("the destructor called runtime.Goexit")

// outcomeCode turns a destructor's error into a code for the core: 0 for none.
func outcomeCode(err error) int32 {
	if err == nil {
		return 0
	}
	code := int32(outcomeFirst)
	var r *refusal
	if errors.As(err, &r) {
		code, err = code+1, r.err
	}
	outcomes.Lock()
	defer outcomes.Unlock()
	outcomes.count = (outcomes.count + 1) % (outcomeFirst / 2)
	code += 2 * outcomes.count
	to := &outcomes.waiting[outcomes.count%outcomeMax]
	to.code, to.err = code, err
	return code
}

// outcome is the error behind a code of a Go destructor, nil when too many came
// since. False: the code is one of C.
func outcome(code int32) (err error, inGo bool) {
	if code < outcomeFirst {
		return nil, false
	}
	outcomes.Lock()
	defer outcomes.Unlock()
	from := &outcomes.waiting[(code-outcomeFirst)/2%outcomeMax]
	if from.code != code {
		return nil, true
	}
	return from.err, true
}

// ending is the error of a close that ended with this status and code.
func (k *kind) ending(op string, s status, code int32) error {
	if s == statusOK {
		return nil
	}
	if cause, inGo := outcome(code); inGo {
		return failureOf(op, k, s, 0, cause)
	}
	return failureOf(op, k, s, int(code), nil)
}

// destroyGo runs the destructor of a claimed object. However it leaves, the
// object is settled.
func (n *net) destroyGo(k *kind, ref uint64, c chain) (isGone bool, err error) {
	returned := false
	defer func() {
		if !returned {
			bindSettle(n.bits(ref), k.siteOf(c), outcomeCode(errExited))
			n.reuse(ref)
		}
	}()
	err = k.destroy(pointer(uintptr(n.slot.object)))
	returned = true
	if err == nil {
		return n.ended(ref), nil
	}
	code := outcomeCode(err)
	s := bindSettle(n.bits(ref), k.siteOf(c), code)
	n.reuse(ref)
	return false, k.ending("close", s, code)
}

// destroyForCore runs the destructor for the core and returns a code. A panic
// ends here, and is reported. A Goexit can't be stopped, and the core's frames
// below it never go on: so what they had to do is done here.
func (k *kind) destroyForCore(object unsafe.Pointer) (code int32) {
	enterCallback()
	defer leaveCallback()
	returned := false
	defer func() {
		if p := recover(); p != nil {
			code = outcomeCode(panicked("destructor of "+k.name, p))
		} else if !returned {
			if bits := findEnding(uintptr(object)); bits != 0 {
				bindSettle(bits, 0, outcomeCode(errExited))
			}
		}
	}()
	code = outcomeCode(k.destroy(object))
	returned = true
	return code
}

// judgeForCore asks the type's Judge.
func (k *kind) judgeForCore(code int) (verdict Verdict) {
	if k.judge == nil {
		return k.onError
	}
	defer func() {
		if p := recover(); p != nil {
			verdict = Gone
			_ = panicked("Judge of "+k.name, p)
		}
	}()
	return k.judge(code)
}

func (k *kind) sizeForCore(object unsafe.Pointer) (bytes uint64) {
	enterCallback()
	defer leaveCallback()
	defer func() {
		if p := recover(); p != nil {
			_ = panicked("SizeFunc of "+k.name, p)
		}
	}()
	return k.sizeOf(object)
}

// panicked reports a panic that ends in one of our callbacks, and makes an
// error of it. Called while recovering.
func panicked(where string, value any) error {
	err := fmt.Errorf("panic in the %s: %v", where, value)
	notePanic(err)
	return err
}

// callbacks knows the goroutines that run a callback of the core: a guard that
// their thread entered is theirs too.
var callbacks struct {
	sync.Mutex
	depth map[uintptr]int
}

func enterCallback() {
	self := goroutine.Identity()
	callbacks.Lock()
	defer callbacks.Unlock()
	if callbacks.depth == nil {
		callbacks.depth = map[uintptr]int{}
	}
	callbacks.depth[self]++
}

func leaveCallback() {
	self := goroutine.Identity()
	callbacks.Lock()
	defer callbacks.Unlock()
	if callbacks.depth[self]--; callbacks.depth[self] == 0 {
		delete(callbacks.depth, self)
	}
}

func inCallback() bool {
	self := goroutine.Identity()
	callbacks.Lock()
	defer callbacks.Unlock()
	return callbacks.depth[self] > 0
}
