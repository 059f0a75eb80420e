// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"unsafe"
)

// Type is a kind of C object: its name, how it is destroyed, who may call it.
// Make one with [NewType], once, as a package variable. P is the pointer type
// that names an object in Go, such as *C.sqlite3.
type Type[P any] struct{ kind *kind }

// kind is what all of this package knows of a type, whatever its P.
type kind struct {
	name     string
	id       uint32
	release  release
	isSlow   bool // guarded or bound to a thread: every use goes through the core
	isFast   bool // neither that, nor asked for its size
	isShared bool // its objects share nets
	isThread bool // its guard is held by a thread, not by a goroutine
	size     uint64
	counters *counters

	destroy  func(unsafe.Pointer) error // releaseGo
	cDestroy unsafe.Pointer             // releaseC
	cContext unsafe.Pointer
	sizeOf   func(unsafe.Pointer) uint64
	judge    func(code int) Verdict
	onError  Verdict
	guard    uint8
	thread   uint8
	net      uint8
	children uint8

	wantsShared, wantsExact bool
	isExplained             bool         // an option said what a code means
	pointer                 reflect.Type // P, to check the options against
	pkg, file               string       // where NewType was called: the wrapper
}

// release is how an object is destroyed.
type release uint32

const (
	releaseNothing release = iota
	releaseFree
	releaseGo
	releaseC
)

// The numbers of vocabulary.h.
const (
	guardShared, guardExclusive, guardDomain                   = 0, 1, 2
	threadAny, threadSerial, threadPinned, threadPumped        = 0, 1, 2, 3
	netDestroy, netReport                                      = 0, 1
	childrenCascade, childrenHold                              = 0, 1
	sharedMaxBytes                                      uint64 = 4096
)

// Verdict says what a destructor's non-zero code means.
type Verdict uint8

const (
	Gone   Verdict = iota // an error, but the object is gone (sqlite3_finalize)
	Kept                  // the destructor refused: the object lives on (sqlite3_close)
	Ignore                // no error: gone
)

// Option is an option of [NewType].
type Option func(*kind)

// Destroy names the Go function that destroys an object. It is called exactly
// once an object, unless it returned [Refuse]; by Close on the closing
// goroutine where it can be, else by whoever used the object last, or by the
// core's worker thread for a forgotten one. Any other error says that the
// object is gone, though not well.
//
// It should not call runtime.Goexit (t.FailNow does). A panic or a Goexit in it
// counts as an error: the object is taken as gone.
func Destroy[P any](destroy func(P) error) Option {
	return func(k *kind) {
		k.only("Destroy", destroy == nil)
		k.takes("Destroy", reflect.TypeFor[P]())
		k.release = releaseGo
		k.destroy = func(object unsafe.Pointer) error { return destroy(*(*P)(unsafe.Pointer(&object))) }
	}
}

// DestroyC names the C function that destroys an object: the address of a
// function int f(void *context, void *object), as BELAY_DROP of belay/type.h
// writes one around any expression. No Go runs on its path, and forgotten
// objects are destroyed in batches. What its code means: [OnErrorGone] unless
// said otherwise.
//
// context is handed to it, nil if not given; it must be C memory. A function of the
// library's own would be called with it as the object: DestroyC(C.sqlite3_close) closes nil.
func DestroyC(function unsafe.Pointer, context ...unsafe.Pointer) Option {
	return func(k *kind) {
		k.only("DestroyC", function == nil)
		k.release, k.cDestroy = releaseC, function
		switch len(context) {
		case 0:
		case 1:
			k.cContext = context[0]
		default:
			k.reject("DestroyC takes one context, not %d", len(context))
		}
	}
}

// Free says that an object is destroyed by free of the C library.
func Free() Option {
	return func(k *kind) {
		k.only("Free", false)
		k.release = releaseFree
	}
}

// FixedSize says how many bytes of C memory one object holds, unless [Size]
// says otherwise at Own.
func FixedSize(bytes uint64) Option { return func(k *kind) { k.size = bytes } }

// SizeFunc tells the bytes an object holds. It is called at Own, if [Size] is
// not given, and by [Owned.Measure], under the type's guard.
func SizeFunc[P any](size func(P) uint64) Option {
	return func(k *kind) {
		if size == nil {
			k.reject("SizeFunc needs a function")
		}
		k.takes("SizeFunc", reflect.TypeFor[P]())
		k.sizeOf = func(object unsafe.Pointer) uint64 { return size(*(*P)(unsafe.Pointer(&object))) }
	}
}

// GuardExclusive allows one call at a time for each object.
func GuardExclusive() Option { return choose("GuardExclusive", guardOf, guardExclusive) }

// GuardDomain allows one call at a time for an object without a parent and all
// objects below it.
func GuardDomain() Option { return choose("GuardDomain", guardOf, guardDomain) }

// ThreadSerial allows one call at a time for all objects of the type.
func ThreadSerial() Option { return choose("ThreadSerial", threadOf, threadSerial) }

// ThreadPinned allows calls on the thread that opened the object only: its
// goroutine must hold runtime.LockOSThread from Own to Close. The net only
// reports such objects.
func ThreadPinned() Option { return choose("ThreadPinned", threadOf, threadPinned) }

// ThreadPumped allows calls on the thread that runs [Type.Pump] only.
func ThreadPumped() Option { return choose("ThreadPumped", threadOf, threadPumped) }

// HoldChildren makes a closed parent wait until its children were closed: for
// libraries that count references. Otherwise closing a parent closes them.
func HoldChildren() Option { return func(k *kind) { k.children = childrenHold } }

// NetReportOnly lets the net report a forgotten object, not destroy it.
func NetReportOnly() Option { return func(k *kind) { k.net = netReport } }

// NetShared lets 64 objects share a net: cheap, but a forgotten one is found
// only when all 64 are. It is the default for objects of known size up to
// 4 KiB that are freed by [Free] or have nothing to destroy.
func NetShared() Option { return func(k *kind) { k.wantsShared = true } }

// NetExact gives each object a net of its own.
func NetExact() Option { return func(k *kind) { k.wantsExact = true } }

// OnErrorKept says that a non-zero code means: refused, still open.
func OnErrorKept() Option { return explain("OnErrorKept", Kept) }

// OnErrorGone says that a non-zero code is an error of an object that is gone.
func OnErrorGone() Option { return explain("OnErrorGone", Gone) }

// OnErrorIgnore says that the code means nothing.
func OnErrorIgnore() Option { return explain("OnErrorIgnore", Ignore) }

// Judge asks a function what a non-zero code means. It may be called on any
// thread.
func Judge(judge func(code int) Verdict) Option {
	return func(k *kind) {
		if judge == nil {
			k.reject("Judge needs a function")
		}
		explain("Judge", Gone)(k)
		k.judge = judge
	}
}

// explain is an option that says what a code means: one is enough.
func explain(option string, verdict Verdict) Option {
	return func(k *kind) {
		if k.isExplained {
			k.reject("%s: another option says already what a code means", option)
		}
		k.isExplained, k.onError = true, verdict
	}
}

func guardOf(k *kind) *uint8 { return &k.guard }

func threadOf(k *kind) *uint8 { return &k.thread }

// choose is an option that is one of several.
func choose(option string, field func(*kind) *uint8, value uint8) Option {
	return func(k *kind) {
		if chosen := field(k); *chosen == 0 || *chosen == value {
			*chosen = value
		} else {
			k.reject("%s contradicts another option", option)
		}
	}
}

// only panics on a second destructor, or none where one is named.
func (k *kind) only(option string, isNil bool) {
	if k.release != releaseNothing {
		k.reject("%s: the type has a destructor already", option)
	}
	if isNil {
		k.reject("%s needs a function", option)
	}
}

// takes panics on a function for objects of another type.
func (k *kind) takes(option string, pointer reflect.Type) {
	if pointer != k.pointer {
		k.reject("%s takes %v, the type is for %v", option, pointer, k.pointer)
	}
}

func (k *kind) reject(format string, arguments ...any) {
	panic(fmt.Sprintf("belay: NewType(%q): %s", k.name, fmt.Sprintf(format, arguments...)))
}

func (k *kind) nameOrUnknown() string {
	if k == nil {
		return "?"
	}
	return k.name
}

// kinds finds a type by its id. An entry is written once, before its first
// object. Atomic: who holds an old copy of a handle reads the entry of whatever
// is in the slot by now, a type that nobody told it of.
var kinds [typeMax + 1]atomic.Pointer[kind]

// NewType registers a kind of C object; see the options for what may be said of
// it. Without [Destroy], [DestroyC] or [Free] a handle only names the object.
//
// It panics on a mistake of the program: P is not a pointer, options that
// contradict each other, a name that is empty or longer than 111 bytes, more
// than 1023 types.
func NewType[P any](name string, options ...Option) Type[P] {
	k := &kind{name: name, pointer: reflect.TypeFor[P]()}
	if kind := k.pointer.Kind(); kind != reflect.Pointer && kind != reflect.UnsafePointer {
		k.reject("%v is not a pointer: write Type[*T]", k.pointer)
	}
	for i, option := range options {
		if option == nil {
			k.reject("option %d is nil", i+1)
		}
		option(k)
	}
	k.check()
	// Only now, so that the caller of NewType is one step away.
	if pc, file, _, ok := runtime.Caller(1); ok {
		k.file, k.pkg = file, packageOf(runtime.FuncForPC(pc).Name())
	}
	k.register()
	return Type[P]{k}
}

// check settles what the options left open.
func (k *kind) check() {
	if strings.ContainsRune(k.name, 0) || k.name == "" || len(k.name) > typeNameMaxBytes {
		k.reject("the name needs 1 to %d bytes, none of them 0", typeNameMaxBytes)
	}
	if k.guard != guardShared && k.thread != threadAny {
		k.reject("a guard and a thread rule: the thread rule keeps calls apart already")
	}
	if k.isExplained && k.release != releaseC {
		k.reject("Judge and OnError explain the code of DestroyC; a Go function returns Refuse(err)")
	}
	k.isSlow = k.guard != guardShared || k.thread != threadAny
	k.isFast = !k.isSlow && k.sizeOf == nil
	k.isThread = k.thread == threadPinned || k.thread == threadPumped
	canShare := !k.isSlow && (k.release == releaseFree || k.release == releaseNothing) &&
		k.size > 0 && k.size <= sharedMaxBytes && k.sizeOf == nil
	if k.wantsShared && (k.wantsExact || k.isSlow) {
		k.reject("NetShared goes with neither NetExact, a guard nor a thread rule")
	}
	k.isShared = (k.wantsShared || canShare && !k.wantsExact) && canTell
}

func (k *kind) register() {
	r := typeCreate(k)
	if r.status != statusOK {
		k.reject("%s", statusText(r.status))
	}
	k.id = uint32(r.value)
	k.counters = bindCounters(k.id)
	kinds[k.id].Store(k)
}

// Name returns the name given to [NewType]; "?" for the zero Type.
func (t Type[P]) Name() string {
	return t.kind.nameOrUnknown()
}

// Pump runs the destructors that wait for a [ThreadPumped] type, and makes the
// calling thread the one of the type from now on. It returns how many ran.
// Call it from the loop that owns the library's thread.
func (t Type[P]) Pump() int {
	if t.kind == nil {
		return 0
	}
	return typePump(t.kind.id)
}
