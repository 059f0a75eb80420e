// SPDX-License-Identifier: MIT

//go:build cgo

package belay

import (
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"belay.example/belay/internal/goroutine"
)

// A site is a line of source, "function file:line", interned in the ledger.
// Every open and every close names one. The innermost return addresses on the
// stack, mixed into one number, lead to the site through a small table: a few
// nanoseconds. Where the line that counts is further out than those addresses
// reach, the table says so, and more of them are mixed. Two chains that share
// the number's upper bits push each other out of the table; two that share
// nearly all of it would share a site.

const (
	siteCells = 4096
	siteShift = 64 - 12
)

// siteTable holds a site in the low 24 bits, the chain's number above; or the
// complement of that number: more addresses must be mixed.
var siteTable [siteCells]uint64

const (
	siteBits = 24
	siteMask = 1<<siteBits - 1
)

// framesAgree tells whether the fast walk sees what the runtime sees.
var framesAgree bool

// ownPackage is this package's path, wherever it was moved to.
var ownPackage string

func startSites() {
	pc, _, _, _ := runtime.Caller(0)
	ownPackage = packageOf(runtime.FuncForPC(pc).Name())
	framesAgree = probe(goroutine.DepthDeep)
}

// probe compares the fast walk with the runtime's, deep in calls that are not
// inlined: inlined ones the runtime counts and the walk does not.
//
//go:noinline
func probe(depth int) bool {
	if depth > 0 {
		return probe(depth - 1)
	}
	hash := goroutine.Trace(unsafe.Pointer(&depth))
	deep := goroutine.TraceDeep()
	var pcs [goroutine.DepthDeep]uintptr
	count := runtime.Callers(2, pcs[:])
	return count == len(pcs) && hash == goroutine.Hash(pcs[:goroutine.Depth]) && deep == goroutine.Hash(pcs[:])
}

// chain is a chain of calls that ends at an object of a type.
type chain uint64

// cell is an entry of siteTable.
type cell uint64

func (k *kind) chain(hash uintptr) chain {
	return chain((uint64(hash) ^ uint64(k.id)) * 0x9e3779b97f4a7c15)
}

// cell is where the table has the chain's site, if it has it.
func (c chain) cell() cell { return cell(atomic.LoadUint64(&siteTable[c>>siteShift])) }

// isOf tells whether the cell holds the chain's site.
func (l cell) isOf(c chain) bool { return uint64(l)^uint64(c) <= siteMask }

func (l cell) site() uint32 { return uint32(l) & siteMask }

// isDeep tells whether more addresses than a chain's must be mixed.
func (c chain) isDeep() bool {
	return (^atomic.LoadUint64(&siteTable[c>>siteShift])^uint64(c))>>siteBits == 0
}

func (c chain) store(site uint32) {
	atomic.StoreUint64(&siteTable[c>>siteShift], uint64(c)>>siteBits<<siteBits|uint64(site))
}

func (c chain) storeDeep() { atomic.StoreUint64(&siteTable[c>>siteShift], ^uint64(c)) }

// siteOf is the site of a chain, whether the table has it or not.
func (k *kind) siteOf(c chain) uint32 {
	if cell := c.cell(); cell.isOf(c) {
		return cell.site()
	}
	return k.siteSlow(c)
}

// siteSlow is the site of a chain that is not in the table, or that ends too
// early there.
//
//go:noinline
func (k *kind) siteSlow(c chain) uint32 {
	if c.isDeep() || !framesAgree {
		return k.siteHere()
	}
	site, isReached := k.siteAsk(c, goroutine.Depth)
	if isReached {
		c.store(site)
	} else {
		c.storeDeep()
	}
	return site
}

// siteHere is the site of the program's line that called into this package.
func (k *kind) siteHere() uint32 {
	hash := goroutine.TraceDeep()
	if !framesAgree {
		hash = goroutine.TracePortable(0)
	}
	c := k.chain(hash)
	if cell := c.cell(); cell.isOf(c) {
		return cell.site()
	}
	site, isReached := k.siteAsk(c, goroutine.DepthDeep)
	if isReached {
		c.store(site)
	}
	return site
}

// siteAsk asks the runtime for the frames. isReached: the line is among the
// depth return addresses that were mixed into the chain.
//
//go:noinline
func (k *kind) siteAsk(c chain, depth int) (site uint32, isReached bool) {
	var pcs, walked [goroutine.AddressesMax]uintptr
	count := runtime.Callers(2, pcs[:])
	line, at := k.line(runtime.CallersFrames(pcs[:count]))
	addresses := walked[:goroutine.Addresses(&walked)]
	if !framesAgree {
		addresses = walked[:goroutine.AddressesPortable(&walked)]
	}
	for ; len(addresses) != 0; addresses = addresses[1:] {
		mixed := addresses[:min(depth, len(addresses))]
		if k.chain(goroutine.Hash(mixed)) == c {
			isReached = slices.Contains(mixed, at)
			break
		}
	}
	return bindSite(line), isReached
}

// line picks the frame that the program's author wants to see: the first one
// outside this package and outside the wrapper, which is the package that made
// the type. A wrapper in the program's own package is told by its file. Failing
// that, the wrapper's own line. at is the return address into the function that
// the line is in, or was inlined into.
func (k *kind) line(frames *runtime.Frames) (line string, at uintptr) {
	var own, otherFile runtime.Frame
	var ownAt, otherAt uintptr
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		if at == 0 {
			at = frame.PC + 1
		}
		pkg := packageOf(frame.Function)
		switch {
		case frame.Function == "" || isOwn(pkg, frame.File):
		case pkg != k.pkg && !isStandard(pkg):
			return lineOf(frame), at
		case pkg != k.pkg && own.PC == 0:
			own, ownAt = frame, at
		case pkg != k.pkg:
			// The standard library called the wrapper: further out is no better.
			more = false
		default:
			if own.PC == 0 {
				own, ownAt = frame, at
			}
			if otherFile.PC == 0 && frame.File != k.file {
				otherFile, otherAt = frame, at
			}
		}
		// What was inlined has no Func, and its caller the same return address.
		if frame.Func != nil {
			at = 0
		}
	}
	if otherFile.PC != 0 {
		return lineOf(otherFile), otherAt
	}
	return lineOf(own), ownAt
}

// isOwn tells frames of this package from those of its tests.
func isOwn(pkg, file string) bool {
	return pkg == ownPackage && !strings.HasSuffix(file, "_test.go")
}

// isStandard tells packages of the standard library: no dot in the first part
// of the path, and not that of a module of the program.
func isStandard(pkg string) bool {
	first := firstOf(pkg)
	return !strings.Contains(first, ".") && !dotless()[first]
}

var dotless = sync.OnceValue(func() map[string]bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return dotlessOf(info)
})

// dotlessOf has the first parts without a dot that are not the standard library's: of
// the program's main, and of modules with private names.
func dotlessOf(info *debug.BuildInfo) map[string]bool {
	firsts := map[string]bool{"main": true, firstOf(info.Path): true, firstOf(info.Main.Path): true}
	for _, module := range info.Deps {
		firsts[firstOf(module.Path)] = true
	}
	return firsts
}

func firstOf(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

func lineOf(frame runtime.Frame) string {
	if frame.Function == "" {
		return "?"
	}
	_, name, found := cutLast(frame.Function, "/")
	if !found {
		name = frame.Function
	}
	return name + " " + frame.File + ":" + strconv.Itoa(frame.Line)
}

// packageOf is the import path in a function's name.
func packageOf(function string) string {
	folder, rest, found := cutLast(function, "/")
	if !found {
		rest = function
	}
	name, _, _ := strings.Cut(rest, ".")
	if !found {
		return name
	}
	return folder + "/" + name
}

func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return "", text, false
}
