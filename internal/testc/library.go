// SPDX-License-Identifier: MIT

package testc

/*
#cgo CFLAGS: -I${SRCDIR}/../../core/include
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "belay/type.h"

// A library that bears one call at a time, or one a thing: entering counts, and
// an overlap is remembered. Things are freed for real, so that the address
// sanitizer sees a use after the end.
typedef struct thing {
    struct thing *domain; // whose calls must not overlap with ours
    uint32_t inside;
    uint64_t calls;
    uint64_t *gone; // counts ends, outside the thing
} thing;

static uint64_t thing_overlaps, thing_twice, thing_live;

static thing *thing_new(thing *domain, uint64_t *gone) {
    thing *t = calloc(1, sizeof *t);
    t->domain = domain == NULL ? t : domain->domain;
    t->gone = gone;
    __atomic_fetch_add(&thing_live, 1, __ATOMIC_SEQ_CST);
    return t;
}

static void thing_enter(thing *t) {
    if (__atomic_fetch_add(&t->inside, 1, __ATOMIC_SEQ_CST) != 0) {
        __atomic_fetch_add(&thing_overlaps, 1, __ATOMIC_SEQ_CST);
    }
}

static void thing_leave(thing *t) {
    __atomic_fetch_sub(&t->inside, 1, __ATOMIC_SEQ_CST);
}

// Stays inside for a moment. The library is re-entrant on one thread at most by
// way of thing_call_back, which leaves first.
static void thing_call(thing *t, uint32_t spin) {
    thing *domain = t->domain;
    thing_enter(domain);
    t->calls++;
    for (volatile uint32_t i = 0; i < spin; i++) {
    }
    thing_leave(domain);
}

// A call that needs nothing of anyone else, for types without a guard.
static uint64_t thing_peek(thing *t) {
    return __atomic_load_n(&t->calls, __ATOMIC_RELAXED);
}

static int thing_end(thing *t, int code) {
    if (t->gone != NULL && __atomic_fetch_add(t->gone, 1, __ATOMIC_SEQ_CST) != 0) {
        __atomic_fetch_add(&thing_twice, 1, __ATOMIC_SEQ_CST);
    }
    __atomic_fetch_sub(&thing_live, 1, __ATOMIC_SEQ_CST);
    free(t);
    return code;
}

static int thing_end_inside(thing *t) {
    thing *domain = t->domain;
    if (domain == t) {
        if (__atomic_load_n(&t->inside, __ATOMIC_SEQ_CST) != 0) {
            __atomic_fetch_add(&thing_overlaps, 1, __ATOMIC_SEQ_CST);
        }
        return thing_end(t, 0);
    }
    thing_enter(domain);
    int code = thing_end(t, 0);
    thing_leave(domain);
    return code;
}

static uint64_t thing_total_overlaps(void) {
    return __atomic_load_n(&thing_overlaps, __ATOMIC_SEQ_CST);
}

static uint64_t thing_total_twice(void) {
    return __atomic_load_n(&thing_twice, __ATOMIC_SEQ_CST);
}

static uint64_t thing_total_live(void) {
    return __atomic_load_n(&thing_live, __ATOMIC_SEQ_CST);
}

BELAY_DROP(testc_end, thing, thing_end(p, 0))
BELAY_DROP(testc_end_inside, thing, thing_end_inside(p))
BELAY_DROP(testc_fail, thing, thing_end(p, 7))
BELAY_DROP(testc_context, thing, thing_end(p, *(int *)context))

static uint32_t testc_refusals;

static void thing_refusals(uint32_t count) {
    __atomic_store_n(&testc_refusals, count, __ATOMIC_SEQ_CST);
}

static int thing_refuse(thing *t) {
    if (__atomic_load_n(&testc_refusals, __ATOMIC_SEQ_CST) > 0) {
        __atomic_fetch_sub(&testc_refusals, 1, __ATOMIC_SEQ_CST);
        return 5;
    }
    return thing_end(t, 0);
}

BELAY_DROP(testc_refuse, thing, thing_refuse(p))

static void *testc_drop(int which) {
    static int (*const drops[])(void *, void *) = {
            testc_end, testc_end_inside, testc_fail, testc_refuse, testc_context};
    return (void *)drops[which];
}

static void empty(uintptr_t x) {
    (void)x;
}

typedef struct small {
    char bytes[64];
} small;

typedef struct opaque opaque;
*/
import "C"

import "unsafe"

// Thing is an object of the library.
type Thing = C.thing

// Opaque is incomplete in C.
type Opaque = C.opaque

// Small is 64 bytes.
type Small = C.small

// ThingNew makes a thing that may not be called while another of its domain is;
// gone, C memory or nil, counts its end.
func ThingNew(domain *Thing, gone *uint64) *Thing {
	return C.thing_new(domain, (*C.uint64_t)(unsafe.Pointer(gone)))
}

// ThingCall stays inside the library for a moment.
func ThingCall(t *Thing, spin uint32) { C.thing_call(t, C.uint32_t(spin)) }

// ThingPeek reads the thing.
func ThingPeek(t *Thing) uint64 { return uint64(C.thing_peek(t)) }

// ThingEnd frees the thing.
func ThingEnd(t *Thing) { C.thing_end(t, 0) }

// ThingEndInside frees the thing, as a call into its domain.
func ThingEndInside(t *Thing) { C.thing_end_inside(t) }

// Overlaps counts calls that met inside the library.
func Overlaps() uint64 { return uint64(C.thing_total_overlaps()) }

// Twice counts things that were ended twice.
func Twice() uint64 { return uint64(C.thing_total_twice()) }

// ThingsLive counts things that were not ended.
func ThingsLive() uint64 { return uint64(C.thing_total_live()) }

// Refuse has the next count calls of DropRefuse refuse.
func Refuse(count uint32) { C.thing_refusals(C.uint32_t(count)) }

// Destructors: DropEnd frees, DropEndInside does as a call into the domain,
// DropFail frees and gives 7, DropRefuse gives 5 as Refuse said, DropContext
// frees and gives the int that the context points at.
var (
	DropEnd       = C.testc_drop(0)
	DropEndInside = C.testc_drop(1)
	DropFail      = C.testc_drop(2)
	DropRefuse    = C.testc_drop(3)
	DropContext   = C.testc_drop(4)
)

// Empty is a call that does nothing.
func Empty(x uintptr) { C.empty(C.uintptr_t(x)) }

// MallocSmall is how people allocate.
func MallocSmall() *Small { return (*Small)(C.malloc(C.sizeof_small)) }

// FreeSmall is how people free.
func FreeSmall(s *Small) { C.free(unsafe.Pointer(s)) }

// Counters is C memory for count counters of zero.
func Counters(count int) []uint64 {
	return unsafe.Slice((*uint64)(C.calloc(C.size_t(count), 8)), count)
}

// FreeCounters frees Counters.
func FreeCounters(counters []uint64) { C.free(unsafe.Pointer(unsafe.SliceData(counters))) }

// Int is an int in C memory, for a context.
func Int(value int) unsafe.Pointer {
	p := (*C.int)(C.malloc(C.sizeof_int))
	*p = C.int(value)
	return unsafe.Pointer(p)
}
