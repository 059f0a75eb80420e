// SPDX-License-Identifier: MIT

package testc

/*
#cgo CFLAGS: -I${SRCDIR}/../../core/include -I${SRCDIR}/../../core/src
#cgo linux LDFLAGS: -Wl,-unresolved-symbols=ignore-all
#cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
#include <stdlib.h>
#include <string.h>

#include "belay/belay.h"
#include "binding.h"

#define PROBE_LOG_MAX 256

// Objects write down their ends here: one log for each of the two ways.
static uint32_t probe_log[2][PROBE_LOG_MAX];
static uint32_t probe_logged[2];

typedef struct probe {
    uint32_t label;
    uint32_t way;
    int32_t code; // what the next call of the destructor gives
    uint32_t keeps; // a code other than 0 means: refused
} probe;

static probe *probe_new(uint32_t label, uint32_t way, uint32_t keeps) {
    probe *p = calloc(1, sizeof *p);
    p->label = label;
    p->way = way;
    p->keeps = keeps;
    return p;
}

static int probe_end(probe *p) {
    int code = p->code;
    if (probe_logged[p->way] < PROBE_LOG_MAX) {
        probe_log[p->way][probe_logged[p->way]++] = p->label << 8 | (uint32_t)(uint8_t)code;
    }
    if (code == 0 || !p->keeps) {
        free(p);
    }
    return code;
}

// Moves the log out.
static uint32_t probe_log_take(uint32_t way, uint32_t *to) {
    uint32_t count = probe_logged[way];
    memcpy(to, probe_log[way], count * sizeof *to);
    probe_logged[way] = 0;
    return count;
}

BELAY_DROP(testc_probe, probe, probe_end(p))

static void *testc_probe_address(void) {
    return (void *)testc_probe;
}

typedef struct core_result {
    uint64_t handle;
    uint32_t status;
    int32_t code;
} core_result;

static core_result core_type(const char *name, uint32_t destroy, uint64_t size_bytes,
        uint32_t on_error, uint32_t guard, uint32_t children) {
    belay_type_options options = {.size = sizeof options,
            .name = name,
            .destroy = destroy == 0 ? NULL : destroy == 1 ? belay_destroy_free : testc_probe,
            .size_bytes = size_bytes,
            .on_error = (belay_on_error)on_error,
            .guard = (belay_guard)guard,
            .children = (belay_children)children};
    belay_type type = {0};
    core_result result = {.status = (uint32_t)belay_type_create(&options, &type)};
    result.handle = type.id;
    return result;
}

static core_result core_own(uint32_t type, void *object, uint64_t size_bytes, uint64_t parent) {
    belay_own_options options = {
            .size = sizeof options, .size_bytes = size_bytes, .parent = {parent}};
    belay_handle handle = {0};
    core_result result = {
            .status = (uint32_t)belay_own((belay_type){type}, object, &options, &handle)};
    result.handle = handle.bits;
    return result;
}

static core_result core_borrow(uint64_t handle) {
    void *object = NULL;
    core_result result = {.status = (uint32_t)belay_borrow((belay_handle){handle}, &object)};
    result.handle = (uint64_t)(uintptr_t)object;
    return result;
}

static core_result core_return(uint64_t handle) {
    return (core_result){.status = (uint32_t)belay_return((belay_handle){handle})};
}

static core_result core_close(uint64_t handle) {
    core_result result = {0};
    result.status = (uint32_t)belay_close((belay_handle){handle}, &result.code);
    return result;
}

static core_result core_disown(uint64_t handle) {
    void *object = NULL;
    core_result result = {.status = (uint32_t)belay_disown((belay_handle){handle}, &object)};
    result.handle = (uint64_t)(uintptr_t)object;
    return result;
}

static core_result core_resize(uint64_t handle, uint64_t size_bytes) {
    return (core_result){.status = (uint32_t)belay_resize((belay_handle){handle}, size_bytes)};
}

static uint64_t core_state(uint64_t handle) {
    return __atomic_load_n(&belay__bind_slot((uint32_t)(handle & 0xffffff))->state,
            __ATOMIC_ACQUIRE);
}
*/
import "C"

import (
	"unsafe"

	_ "belay.example/belay/core" // its headers are compiled in: edits of them rebuild
)

// The core without the Go package: what a C program calls, for the test that
// compares the two. The symbols are found when the test is linked.

// Probe is an object that writes down its end.
type Probe = C.probe

// The ways that an object was opened by.
const (
	WayGo = 0
	WayC  = 1
)

// ProbeNew makes a probe; keeps says that a code of its destructor means that
// it refused.
func ProbeNew(label, way int, keeps bool) *Probe {
	kept := C.uint32_t(0)
	if keeps {
		kept = 1
	}
	return C.probe_new(C.uint32_t(label), C.uint32_t(way), kept)
}

// ProbeCode sets what the next call of the destructor gives.
func ProbeCode(p *Probe, code int) { p.code = C.int32_t(code) }

// ProbeEnd is the destructor.
func ProbeEnd(p *Probe) int { return int(C.probe_end(p)) }

// DropProbe is the destructor for DestroyC.
var DropProbe = C.testc_probe_address()

// ProbeLog returns the ends by one way since the last call, in order: the label
// and, in the low byte, the code.
func ProbeLog(way int) []uint32 {
	var log [C.PROBE_LOG_MAX]C.uint32_t
	ends := make([]uint32, C.probe_log_take(C.uint32_t(way), &log[0]))
	for i := range ends {
		ends[i] = uint32(log[i])
	}
	return ends
}

// CoreResult is what a call of the core came to. Value is a handle, an object or
// a type.
type CoreResult struct {
	Value  uint64
	Status uint32
	Code   int
}

func coreResult(r C.core_result) CoreResult {
	return CoreResult{uint64(r.handle), uint32(r.status), int(r.code)}
}

// The destructors of CoreType.
const (
	CoreNothing = iota
	CoreFree
	CoreProbe
)

// CoreType is belay_type_create.
func CoreType(name string, destroy int, size uint64, onError, guard, children uint8) CoreResult {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	return coreResult(C.core_type(text, C.uint32_t(destroy), C.uint64_t(size), C.uint32_t(onError),
		C.uint32_t(guard), C.uint32_t(children)))
}

// CoreOwn is belay_own.
func CoreOwn(id uint32, p *Probe, size, parent uint64) CoreResult {
	return coreResult(C.core_own(C.uint32_t(id), unsafe.Pointer(p), C.uint64_t(size), C.uint64_t(parent)))
}

// CoreBorrow is belay_borrow.
func CoreBorrow(handle uint64) CoreResult { return coreResult(C.core_borrow(C.uint64_t(handle))) }

// CoreReturn is belay_return.
func CoreReturn(handle uint64) CoreResult { return coreResult(C.core_return(C.uint64_t(handle))) }

// CoreClose is belay_close.
func CoreClose(handle uint64) CoreResult { return coreResult(C.core_close(C.uint64_t(handle))) }

// CoreDisown is belay_disown.
func CoreDisown(handle uint64) CoreResult { return coreResult(C.core_disown(C.uint64_t(handle))) }

// CoreResize is belay_resize.
func CoreResize(handle, size uint64) CoreResult {
	return coreResult(C.core_resize(C.uint64_t(handle), C.uint64_t(size)))
}

// CoreState is the state word of a handle's slot.
func CoreState(handle uint64) uint64 { return uint64(C.core_state(C.uint64_t(handle))) }
