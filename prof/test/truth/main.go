// SPDX-License-Identifier: MIT

// Command truth allocates C memory from known places and prints what a heap profiler must
// say about each: one line a site with allocations, bytes, live allocations, live bytes and
// the functions, leaf to root, that must be on each of those stacks.
package main

/*
#cgo LDFLAGS: -ldl -lpthread
#include <stdlib.h>
#include "sites.h"
*/
import "C"

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// A site counts what was really allocated below it.
type site struct {
	name                         string
	stack                        string
	count, bytes, live, liveSize atomic.Int64
}

var sites []*site

func newSite(name, stack string) *site {
	s := &site{name: name, stack: stack}
	sites = append(sites, s)
	return s
}

func (s *site) add(count, bytes, live, liveSize int) {
	s.count.Add(int64(count))
	s.bytes.Add(int64(bytes))
	s.live.Add(int64(live))
	s.liveSize.Add(int64(liveSize))
}

var (
	direct    = newSite("direct", "main.siteDirect main.round main.worker")
	cstring   = newSite("cstring", "main.inlinedInner main.inlinedMiddle main.siteString main.round main.worker")
	plain     = newSite("plain", "plain_inner plain_alloc main.sitePlain main.round main.worker")
	pointer   = newSite("pointer", "pointer_inner pointer_alloc main.sitePointer main.round main.worker")
	vla       = newSite("vla", "plain_inner vla_alloc main.siteVLA main.round main.worker")
	large     = newSite("large", "plain_inner large_alloc main.siteLarge main.round main.worker")
	realigned = newSite("realigned", "plain_inner realigned_alloc main.siteRealigned main.round main.worker")
	recursive = newSite("recursive", "plain_inner recursive_alloc recursive_alloc recursive_alloc recursive_alloc main.siteRecursive main.round main.worker")
	zeroed    = newSite("calloc", "zeroed_alloc main.siteZeroed main.round main.worker")
	grown     = newSite("realloc", "grown_alloc main.siteGrown main.round main.worker")
	array     = newSite("reallocarray", "array_alloc main.siteArray main.round main.worker")
	aligned   = newSite("aligned", "aligned_allocs main.siteAligned main.round main.worker")
	copied    = newSite("strdup", "copied_alloc main.siteCopied main.round main.worker")
	freed     = newSite("freed", "freed_alloc main.siteFreed main.round main.worker")
	after     = newSite("after_callback", "plain_inner after_callback_alloc main.siteAfter main.fresh !main.deep")
	nested    = newSite("nested", "plain_inner nested_alloc main.goNested nested_alloc main.goNested nested_alloc main.goNested nested_alloc main.siteNested main.round main.worker")
	inside    = newSite("in_callback", "main.deep main.deep main.deep main.goMoveStack goMoveStack after_callback_alloc main.siteAfter main.fresh")
	threads   = newSite("pthreads", "plain_inner thread_alloc start_thread")
	callers   = newSite("pthreads_go", "main.siteFromThread main.goFromThread goFromThread thread_call start_thread")
	crossed   = newSite("other_thread", "plain_inner plain_alloc main.siteCrossed main.round main.worker")
	pluginA   = newSite("plugin_a", "plugin_a_inner plugin_a plugin_alloc main.sitePlugins main.worker")
	pluginB   = newSite("plugin_b", "plugin_b_inner plugin_b plugin_alloc main.sitePlugins main.worker")
)

//go:noinline
func siteDirect(i int) {
	p := C.malloc(C.size_t(24 + i%7))
	if i%2 == 0 {
		C.free(p)
		direct.add(1, 24+i%7, 0, 0)
		return
	}
	direct.add(1, 24+i%7, 1, 24+i%7)
}

func inlinedInner(s string) *C.char { return C.CString(s) }

func inlinedMiddle(s string) *C.char { return inlinedInner(s) }

//go:noinline
func siteString() {
	_ = inlinedMiddle("four and twenty blackbirds")
	cstring.add(1, 27, 1, 27)
}

//go:noinline
func sitePlain(i int) {
	_ = C.plain_alloc(C.size_t(100 + i%50))
	plain.add(1, 100+i%50, 1, 100+i%50)
}

//go:noinline
func sitePointer(i int) {
	C.free(C.pointer_alloc(C.size_t(200 + i%50)))
	_ = C.pointer_alloc(33)
	pointer.add(2, 200+i%50+33, 1, 33)
}

//go:noinline
func siteVLA(i int) {
	_ = C.vla_alloc(48, C.int(10+i%1000))
	vla.add(1, 48, 1, 48)
}

//go:noinline
func siteLarge() {
	_ = C.large_alloc(44)
	large.add(1, 44, 1, 44)
}

//go:noinline
func siteRealigned(i int) {
	_ = C.realigned_alloc(C.size_t(64 + i%90))
	realigned.add(1, 64+i%90, 1, 64+i%90)
}

//go:noinline
func siteRecursive() {
	_ = C.recursive_alloc(72, 20)
	recursive.add(1, 72, 1, 72)
}

//go:noinline
func siteZeroed() {
	_ = C.zeroed_alloc(3, 40)
	zeroed.add(1, 120, 1, 120)
}

//go:noinline
func siteGrown() {
	_ = C.grown_alloc(50, 10)
	grown.add(10, 50*55, 1, 500)
}

//go:noinline
func siteArray() {
	_ = C.array_alloc(5, 16)
	array.add(1, 80, 1, 80)
}

//go:noinline
func siteAligned() {
	var second, third unsafe.Pointer
	first := C.aligned_allocs(96, &second, &third)
	C.free(first)
	aligned.add(3, 3*96, 2, 2*96)
}

//go:noinline
func siteCopied() {
	text := [...]C.char{'a', 'b', 'c', 0}
	_ = C.copied_alloc(&text[0])
	copied.add(1, 4, 1, 4)
}

//go:noinline
func siteFreed() {
	C.freed_alloc(4096)
	freed.add(1, 4096, 0, 0)
}

//go:noinline
func siteAfter() {
	_ = C.after_callback_alloc(56)
	after.add(1, 56, 1, 56)
	inside.add(1, 21, 1, 21)
}

//export goMoveStack
func goMoveStack(depth C.int) { deep(int(depth)) }

// deep makes the goroutine's stack move, then allocates at the end of it.
//
//go:noinline
func deep(depth int) byte {
	var room [256]byte
	if depth == 0 {
		_ = C.malloc(21)
		return room[0]
	}
	room[depth%256] = deep(depth - 1)
	return room[(depth+1)%256]
}

//export goNested
func goNested(size C.size_t, depth C.int) unsafe.Pointer { return C.nested_alloc(size, depth) }

//go:noinline
func siteNested() {
	_ = C.nested_alloc(88, 3)
	nested.add(1, 88, 1, 88)
}

//export goFromThread
func goFromThread() { siteFromThread() }

//go:noinline
func siteFromThread() {
	_ = C.malloc(17)
	callers.add(1, 17, 1, 17)
}

//go:noinline
func siteCrossed() {
	C.other_thread_free(C.plain_alloc(640))
	crossed.add(1, 640, 0, 0)
}

var pluginLock sync.Mutex

//go:noinline
func sitePlugins(a, b string) {
	pluginLock.Lock()
	defer pluginLock.Unlock()
	for _, plugin := range []struct {
		path, name string
		size       int
		s          *site
	}{{a, "plugin_a", 61, pluginA}, {b, "plugin_b", 62, pluginB}} {
		path, name := C.CString(plugin.path), C.CString(plugin.name)
		_ = C.plugin_alloc(path, name, C.size_t(plugin.size))
		C.free(unsafe.Pointer(path))
		C.free(unsafe.Pointer(name))
		plugin.s.add(1, plugin.size, 1, plugin.size)
	}
}

// fresh runs on a goroutine of its own, whose stack is small.
//
//go:noinline
func fresh(done chan<- bool) {
	siteAfter()
	done <- true
}

//go:noinline
func round(i int) {
	siteDirect(i)
	siteString()
	sitePlain(i)
	sitePointer(i)
	siteVLA(i)
	siteLarge()
	siteRealigned(i)
	siteRecursive()
	siteZeroed()
	siteGrown()
	siteArray()
	siteAligned()
	siteCopied()
	siteFreed()
	siteNested()
	if i%16 == 0 {
		siteCrossed()
	}
}

//go:noinline
func worker(rounds int, wait *sync.WaitGroup, plugins []string) {
	done := make(chan bool)
	for i := 0; i < rounds; i++ {
		round(i)
		go fresh(done)
		<-done
		if i%8 == 0 {
			runtime.Gosched()
		}
	}
	if len(plugins) == 2 {
		sitePlugins(plugins[0], plugins[1])
	}
	wait.Done()
}

func child() {
	cmd := exec.Command(os.Args[0], "-child")
	if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
		fmt.Fprintf(os.Stderr, "child: %v: %s\n", err, out)
		os.Exit(1)
	}
}

var kept [][]byte

//go:noinline
func keepGo() { kept = append(kept, make([]byte, 1<<20)) }

// writeHeap writes the Go heap, with something of known size in it.
func writeHeap(path string) {
	for i := 0; i < 10; i++ {
		keepGo()
	}
	runtime.GC()
	file, err := os.Create(path)
	if err == nil {
		err = pprof.WriteHeapProfile(file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// truthMain is how a C program runs this as a shared library.
//
//export truthMain
func truthMain() { main() }

func main() {
	runtime.MemProfileRate = 1
	goroutines := flag.Int("goroutines", 16, "workers")
	rounds := flag.Int("rounds", 50, "rounds of each")
	isChild := flag.Bool("child", false, "allocate a little and end")
	isAlone := flag.Bool("alone", false, "start no child: an emulator would not run it")
	heap := flag.String("heap", "", "write the Go heap profile here at the end")
	wait := flag.Bool("wait", false, "stay alive after the table")
	flag.Parse()
	if *isChild {
		for i := 0; i < 100; i++ {
			siteDirect(1)
		}
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		for range signals {
		}
	}()
	go func() {
		for {
			_ = syscall.Kill(os.Getpid(), syscall.SIGUSR1)
			time.Sleep(time.Millisecond)
			runtime.GC()
		}
	}()
	var group sync.WaitGroup
	group.Add(*goroutines)
	for i := 0; i < *goroutines; i++ {
		go worker(*rounds, &group, flag.Args())
	}
	blocks := make([]unsafe.Pointer, 8*100)
	pinned := C.malloc(C.size_t(len(blocks)) * 8)
	C.threads_alloc(8, 100, 35, (*unsafe.Pointer)(pinned))
	threads.add(800, 800*35, 800, 800*35)
	C.threads_call_go(8, 50)
	group.Wait()
	if !*isAlone {
		child()
	}
	for _, s := range sites {
		if s.count.Load() > 0 {
			fmt.Printf("%s\t%d\t%d\t%d\t%d\t%s\n", s.name, s.count.Load(), s.bytes.Load(),
				s.live.Load(), s.liveSize.Load(), s.stack)
		}
	}
	if *heap != "" {
		writeHeap(*heap)
	}
	if *wait {
		select {}
	}
}
