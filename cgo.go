// SPDX-License-Identifier: MIT

package belay

// All of the package's C. Functions here carry the name of the C function they
// call, in camel case. Arguments of hot crossings are integers: a pointer
// argument costs half a crossing more (cgoCheckPointer).

/*
#cgo CFLAGS: -std=gnu11 -I${SRCDIR}/core/include -I${SRCDIR}/core/src
#cgo linux LDFLAGS: -lpthread

#include <stdlib.h>
#include <string.h>

#include "belay/belay.h"
#include "belay/ledger.h"
#include "binding.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

// What a binding function came to, by value.
typedef struct belay_go_result {
    uint64_t value;
    uint32_t status;
    int32_t code;
    uint32_t guard;
    uint32_t ended;
} belay_go_result;

// A type whose callbacks are Go functions: the context they get.
typedef struct belay_go_type {
    uint32_t id;
    belay_destroy_fn destroy; // NULL: a Go function
    void *context;
} belay_go_type;

typedef struct belay_go_type_options {
    const char *name;
    uintptr_t destroy; // a belay_destroy_fn
    uintptr_t context;
    uint64_t size_bytes;
    uint32_t has_go_destroy, has_free, has_go_judge, has_go_size;
    uint32_t on_error, guard, thread, net, children;
} belay_go_type_options;

extern void belayGoGuardLeft(uint32_t guard);
extern void belayGoEnded(uint64_t handle, uint32_t status, int code);
extern void belayGoReport(belay_report *report);
extern int belayGoDestroy(uint32_t id, uintptr_t object);
extern void belayGoDestroyMany(uint32_t id, void **objects, int *codes, size_t count);
extern int belayGoJudge(uint32_t id, int code);
extern uint64_t belayGoSize(uint32_t id, uintptr_t object);

static void belay_go_report(void *data, const belay_report *report) {
    (void)data;
    belayGoReport((belay_report *)report);
}

static int belay_go_destroy(void *context, void *object) {
    belay_go_type *type = context;
    if (type->destroy != NULL) {
        return type->destroy(type->context, object);
    }
    return belayGoDestroy(type->id, (uintptr_t)object);
}

static void belay_go_destroy_many(
        void *context, void *const *objects, int *codes, size_t count) {
    belay_go_type *type = context;
    belayGoDestroyMany(type->id, (void **)objects, codes, count);
}

// Codes of Go destructors: odd says that the object is still there.
static belay_on_error belay_go_judge(void *context, int code) {
    belay_go_type *type = context;
    if (type->destroy != NULL) {
        return (belay_on_error)belayGoJudge(type->id, code);
    }
    return code % 2 != 0 ? BELAY_ON_ERROR_KEPT : BELAY_ON_ERROR_GONE;
}

static uint64_t belay_go_size(void *context, void *object) {
    belay_go_type *type = context;
    return belayGoSize(type->id, (uintptr_t)object);
}

static inline void belay_go_start(void) {
    static const belay__hooks hooks = {belayGoGuardLeft, belayGoEnded};
    belay__bind_hooks(&hooks);
    belay_report_to(belay_go_report, NULL);
}

static inline belay_go_result belay_go_type_create(const belay_go_type_options *from) {
    belay_go_result result = {0};
    belay_go_type *own = calloc(1, sizeof *own);
    if (own == NULL) {
        result.status = BELAY_OUT_OF_MEMORY;
        return result;
    }
    own->destroy = (belay_destroy_fn)from->destroy;
    own->context = (void *)from->context;
    belay_type_options options = {.size = sizeof options,
            .name = from->name,
            .context = own,
            .size_bytes = from->size_bytes,
            .on_error = (belay_on_error)from->on_error,
            .guard = (belay_guard)from->guard,
            .thread = (belay_thread)from->thread,
            .net = (belay_net)from->net,
            .children = (belay_children)from->children};
    if (from->has_free) {
        options.destroy = belay_destroy_free;
    } else if (from->has_go_destroy) {
        options.destroy = belay_go_destroy;
        options.destroy_many = belay_go_destroy_many;
        options.judge = belay_go_judge;
        options.on_error = BELAY_ON_ERROR_JUDGE;
    } else if (from->has_go_judge || from->has_go_size) {
        options.destroy = own->destroy == NULL ? NULL : belay_go_destroy;
        if (from->has_go_judge) {
            options.judge = belay_go_judge;
            options.on_error = BELAY_ON_ERROR_JUDGE;
        }
    } else {
        options.destroy = own->destroy; // C alone: no Go on its path
        options.context = own->context;
    }
    if (from->has_go_size) {
        options.size_of = belay_go_size;
    }
    belay_type type = {0};
    result.status = (uint32_t)belay_type_create(&options, &type);
    own->id = type.id;
    result.value = type.id;
    if (options.context != own || result.status != BELAY_OK) {
        free(own);
    }
    return result;
}

// The identity 0 stands for the thread.
static inline uint64_t belay_go_identity(uint64_t identity) {
    return identity == 0 ? belay__identity_self() : identity;
}

static inline belay_go_result belay_go_own(uint32_t index, uint32_t type, uintptr_t object,
        uint64_t size_bytes, uint64_t parent, uint32_t site, uint64_t flags) {
    belay_go_result result = {0};
    result.status = (uint32_t)belay__bind_own(
            index, type, (void *)object, size_bytes, parent, site, flags, &result.value);
    return result;
}

static inline belay_go_result belay_go_borrow(
        uint64_t handle, uint64_t identity, uint32_t site) {
    belay_go_result result = {0};
    void *object = NULL;
    result.status = (uint32_t)belay__bind_borrow(
            handle, belay_go_identity(identity), site, &object, &result.guard);
    return result;
}

static inline belay_go_result belay_go_return(
        uint64_t handle, uint64_t identity, uint32_t site) {
    belay_go_result result = {0};
    result.status = (uint32_t)belay__bind_return(
            handle, belay_go_identity(identity), site, &result.guard);
    return result;
}

static inline belay_go_result belay_go_close(
        uint64_t handle, uint64_t identity, uint32_t site, uint32_t watch) {
    belay_go_result result = {0};
    int code = 0;
    result.status = (uint32_t)belay__bind_close(handle, belay_go_identity(identity), site,
            watch, &code, &result.guard, &result.ended);
    result.code = code;
    return result;
}

static inline belay_go_result belay_go_disown(
        uint64_t handle, uint64_t identity, uint32_t site) {
    belay_go_result result = {0};
    void *object = NULL;
    result.status = (uint32_t)belay__bind_disown(
            handle, belay_go_identity(identity), site, &object);
    result.value = (uintptr_t)object;
    return result;
}

static inline belay_go_result belay_go_group_take(uint32_t kind) {
    belay_status status = BELAY_OK;
    uint32_t first = belay__bind_group_take(kind, &status);
    belay_go_result result = {.value = first, .status = (uint32_t)status};
#ifdef __SANITIZE_ADDRESS__
    // Objects that only a row points at are not leaks: the table knows them.
    if (first != 0) {
        __lsan_register_root_region(
                belay__bind_slot(first), BELAY__GROUP_SLOTS * sizeof(belay__slot));
    }
#endif
    return result;
}

static inline void belay_go_free(uintptr_t object) {
    free((void *)object);
}

// The objects that are open, collected by belay_live.
typedef struct belay_go_live {
    belay_info *infos;
    uint64_t *handles;
    size_t count, room;
} belay_go_live;

static int belay_go_visit(void *data, belay_handle handle, const belay_info *info) {
    belay_go_live *live = data;
    if (live->count == live->room) {
        size_t room = live->room == 0 ? 256 : live->room * 2;
        belay_info *infos = realloc(live->infos, room * sizeof *infos);
        if (infos == NULL) {
            return 1;
        }
        live->infos = infos;
        uint64_t *handles = realloc(live->handles, room * sizeof *handles);
        if (handles == NULL) {
            return 1;
        }
        live->handles = handles;
        live->room = room;
    }
    live->infos[live->count] = *info;
    live->handles[live->count++] = handle.bits;
    return 0;
}

// A closed object by its address: the one whose destructor left for good.
typedef struct belay_go_search {
    const void *object;
    uint64_t handle;
} belay_go_search;

static int belay_go_search_visit(void *data, belay_handle handle, const belay_info *info) {
    belay_go_search *search = data;
    if (info->object != search->object || !info->is_closed || handle.bits == 0) {
        return 0;
    }
    search->handle = handle.bits;
    return 1;
}

static inline uint64_t belay_go_find_ending(uintptr_t object) {
    belay_go_search search = {(const void *)object, 0};
#ifdef __SANITIZE_ADDRESS__
    __asan_handle_no_return(); // the frames below are left as by longjmp
#endif
    belay_live(belay_go_search_visit, &search);
    return search.handle;
}

static inline belay_go_live belay_go_list(void) {
    belay_go_live live = {0};
    belay_live(belay_go_visit, &live);
    return live;
}

static inline void belay_go_list_fini(belay_go_live live) {
    free(live.infos);
    free(live.handles);
}
*/
import "C"

import (
	"time"
	"unsafe"

	_ "belay.example/belay/core" // compiled here, so that edits of it rebuild
)

// result is what a binding function came to.
type result struct {
	value  uint64
	status status
	code   int32
	guard  uint32
	ended  bool
}

func resultOf(r C.belay_go_result) result {
	return result{uint64(r.value), status(r.status), int32(r.code), uint32(r.guard), r.ended != 0}
}

// start connects the core with this package, before anything else uses it.
func start() { C.belay_go_start() }

// typeCreate registers a type. It keeps the name in C memory only for the call.
func typeCreate(k *kind) result {
	name := C.CString(k.name)
	defer C.free(unsafe.Pointer(name))
	options := C.belay_go_type_options{
		name:           name,
		destroy:        C.uintptr_t(uintptr(k.cDestroy)),
		context:        C.uintptr_t(uintptr(k.cContext)),
		size_bytes:     C.uint64_t(k.size),
		has_go_destroy: flag(k.release == releaseGo),
		has_free:       flag(k.release == releaseFree),
		has_go_judge:   flag(k.judge != nil),
		has_go_size:    flag(k.sizeOf != nil),
		on_error:       C.uint32_t(k.onError),
		guard:          C.uint32_t(k.guard),
		thread:         C.uint32_t(k.thread),
		net:            C.uint32_t(k.net),
		children:       C.uint32_t(k.children),
	}
	return resultOf(C.belay_go_type_create(&options))
}

func flag(set bool) C.uint32_t {
	if set {
		return 1
	}
	return 0
}

func typePump(id uint32) int { return int(C.belay_type_pump(C.belay_type{id: C.uint32_t(id)})) }

func bindGroupTake(kind uint32) (first uint32, s status) {
	r := resultOf(C.belay_go_group_take(C.uint32_t(kind)))
	return uint32(r.value), r.status
}

func bindSingleTake() uint32 { return uint32(C.belay__bind_single_take()) }

func bindSlot(index uint32) *slot {
	return (*slot)(unsafe.Pointer(C.belay__bind_slot(C.uint32_t(index))))
}

func bindGroup(index uint32) *group {
	return (*group)(unsafe.Pointer(C.belay__bind_group(C.uint32_t(index))))
}

func bindCounters(id uint32) *counters {
	return (*counters)(unsafe.Pointer(C.belay__bind_counters(C.uint32_t(id))))
}

func bindClock() *uint64 { return (*uint64)(unsafe.Pointer(C.belay__bind_clock())) }

func bindClockWake() uint64 { return uint64(C.belay__bind_clock_wake()) }

func bindEpoch() *uint32 { return (*uint32)(unsafe.Pointer(C.belay__bind_epoch())) }

func bindDead(first, count uint32) { C.belay__bind_dead(C.uint32_t(first), C.uint32_t(count)) }

func bindFlush(id, shard uint32) { C.belay__bind_flush(C.uint32_t(id), C.uint32_t(shard)) }

func bindSite(text string) uint32 {
	bytes := []byte(text)
	return uint32(C.belay__bind_site((*C.char)(unsafe.Pointer(unsafe.SliceData(bytes))), C.size_t(len(bytes))))
}

func bindSiteText(site uint32) string { return C.GoString(C.belay__bind_site_text(C.uint32_t(site))) }

func bindOwn(index, id uint32, object uintptr, size, parent uint64, site uint32, flags uint64) result {
	return resultOf(C.belay_go_own(C.uint32_t(index), C.uint32_t(id), C.uintptr_t(object),
		C.uint64_t(size), C.uint64_t(parent), C.uint32_t(site), C.uint64_t(flags)))
}

func bindBorrow(handle, identity uint64, site uint32) result {
	return resultOf(C.belay_go_borrow(C.uint64_t(handle), C.uint64_t(identity), C.uint32_t(site)))
}

func bindReturn(handle, identity uint64, site uint32) result {
	return resultOf(C.belay_go_return(C.uint64_t(handle), C.uint64_t(identity), C.uint32_t(site)))
}

func bindLenders() unsafe.Pointer { return unsafe.Pointer(C.belay__bind_lenders()) }

// bindLend asks for a standing loan. The core writes n.lender, before it lends.
func bindLend(n *net, ref, identity uint64) (isGranted bool) {
	return C.belay__bind_lend(C.uint32_t(n.index), C.uint64_t(ref), C.uint64_t(identity),
		(*C.uint16_t)(unsafe.Pointer(&n.lender))) == C.BELAY__LENDING_GRANTED
}

func bindSettleLent(handle uint64, lender uint32, identity uint64, site uint32) {
	C.belay__bind_settle_lent(C.uint64_t(handle), C.uint32_t(lender), C.uint64_t(identity), C.uint32_t(site))
}

func bindReturnLent(handle uint64, lender uint32, identity uint64, site uint32) {
	C.belay__bind_return_lent(C.uint64_t(handle), C.uint32_t(lender), C.uint64_t(identity), C.uint32_t(site))
}

func bindClose(handle, identity uint64, site uint32, watch bool) result {
	return resultOf(C.belay_go_close(C.uint64_t(handle), C.uint64_t(identity), C.uint32_t(site), flag(watch)))
}

func bindDisown(handle, identity uint64, site uint32) result {
	return resultOf(C.belay_go_disown(C.uint64_t(handle), C.uint64_t(identity), C.uint32_t(site)))
}

func bindSettle(handle uint64, site uint32, code int32) status {
	return status(C.belay__bind_settle(C.uint64_t(handle), C.uint32_t(site), C.int(code)))
}

// findEnding is the handle of the closed object at an address; 0: there is none.
func findEnding(object uintptr) uint64 { return uint64(C.belay_go_find_ending(C.uintptr_t(object))) }

func bindMisuse(kind ReportKind, handle uint64, s status, site uint32) {
	C.belay__bind_misuse(C.uint32_t(kind), C.uint64_t(handle), C.uint32_t(s), C.uint32_t(site))
}

func identitySelf() uint64 { return uint64(C.belay__identity_self()) }

func resize(handle, size uint64) status {
	return status(C.belay_resize(C.belay_handle{bits: C.uint64_t(handle)}, C.uint64_t(size)))
}

func free(object uintptr) { C.belay_go_free(C.uintptr_t(object)) }

// calloc returns nil when there is no memory.
func calloc(size uintptr) unsafe.Pointer { return C.calloc(1, C.size_t(size)) }

func levelSet(level Level) { C.belay_level_set(C.belay_level(level)) }

func levelGet() Level { return Level(C.belay_level_get()) }

func reportFlush() { C.belay_report_flush() }

// reportHasStderrWish: BELAY_STDERR says whether reports go to standard error,
// and the core does so.
func reportHasStderrWish() bool { return C.belay__bind_has_stderr_wish() != 0 }

func reportWord(kind ReportKind) string {
	return C.GoString(C.belay_report_word(C.belay_report_kind(kind)))
}

func statusText(s status) string { return C.GoString(C.belay_status_text(C.belay_status(s))) }

func typeCount() uint32 { return uint32(C.belay_type_count()) }

func typeName(id uint32) string {
	return C.GoString(C.belay_type_name(C.belay_type{id: C.uint32_t(id)}))
}

// typeStats reads the counters of a type; of all with id 0.
func typeStats(id uint32) TypeStats {
	var from C.belay_stats
	C.belay_type_stats(C.belay_type{id: C.uint32_t(id)}, &from)
	return TypeStats{
		Opened:    uint64(from.opened),
		Closed:    uint64(from.closed),
		Rescued:   uint64(from.rescued),
		Leaked:    uint64(from.leaked),
		Disowned:  uint64(from.disowned),
		Refused:   uint64(from.refused),
		Failed:    uint64(from.failed),
		Misused:   uint64(from.misused),
		Live:      uint64(from.live),
		LiveBytes: uint64(from.live_bytes),
		LivePeak:  uint64(from.live_peak),
		BytesPeak: uint64(from.bytes_peak),
	}
}

// live lists the open objects.
func live() []Object {
	list := C.belay_go_list()
	defer C.belay_go_list_fini(list)
	objects := make([]Object, 0, int(list.count))
	infos := unsafe.Slice(list.infos, int(list.count))
	handles := unsafe.Slice(list.handles, int(list.count))
	for i := range infos {
		info := &infos[i]
		objects = append(objects, Object{
			ID:      uint64(handles[i]),
			Parent:  uint64(info.parent.bits),
			Type:    typeName(uint32(info._type.id)),
			Opened:  C.GoString(info.site),
			Age:     time.Duration(info.age_ms) * time.Millisecond,
			Bytes:   uint64(info.size_bytes),
			Borrows: int(info.borrow_count),
			Closing: info.is_closed != 0,
		})
	}
	return objects
}

// bindShutdown waits until timeout, or until stop is set.
func bindShutdown(timeout time.Duration, stop *uint32) (s status, leaked uint64) {
	var remains C.belay_remains
	s = status(C.belay__bind_shutdown(milliseconds(timeout), (*C.uint32_t)(unsafe.Pointer(stop)), &remains))
	return s, uint64(remains.leaked)
}

func drain(timeout time.Duration) status { return status(C.belay_drain(milliseconds(timeout))) }

// milliseconds rounds up, so that a short wait is one.
func milliseconds(timeout time.Duration) C.uint64_t {
	if timeout <= 0 {
		return 0
	}
	return C.uint64_t((timeout-1)/time.Millisecond + 1)
}

// The core calls these, from threads of any kind. None lets a panic out.

//export belayGoGuardLeft
func belayGoGuardLeft(guard C.uint32_t) { guardLeft(uint32(guard)) }

//export belayGoEnded
func belayGoEnded(handle C.uint64_t, s C.uint32_t, code C.int) {
	ended(uint64(handle), status(s), int32(code))
}

//export belayGoReport
func belayGoReport(from *C.belay_report) {
	deliver(uint64(from.handle.bits), Report{
		Kind:    ReportKind(from.kind),
		Type:    C.GoString(from.type_name),
		Count:   uint64(from.count),
		Age:     time.Duration(from.age_ms) * time.Millisecond,
		Err:     status(from.status).sentinel(),
		Code:    int(from.code),
		Opened:  Place{Line: C.GoString(from.opened)},
		Closed:  Place{Line: C.GoString(from.closed)},
		Used:    Place{Line: C.GoString(from.used)},
		Message: C.GoString(&from.message[0]),
	})
}

//export belayGoDestroy
func belayGoDestroy(id C.uint32_t, object C.uintptr_t) C.int {
	return C.int(kinds[id].Load().destroyForCore(pointer(uintptr(object))))
}

//export belayGoDestroyMany
func belayGoDestroyMany(id C.uint32_t, objects *unsafe.Pointer, codes *C.int, count C.size_t) {
	list, out := unsafe.Slice(objects, int(count)), unsafe.Slice(codes, int(count))
	for i, object := range list {
		out[i] = C.int(kinds[id].Load().destroyForCore(object))
	}
}

//export belayGoJudge
func belayGoJudge(id C.uint32_t, code C.int) C.int {
	return C.int(kinds[id].Load().judgeForCore(int(code)))
}

//export belayGoSize
func belayGoSize(id C.uint32_t, object C.uintptr_t) C.uint64_t {
	return C.uint64_t(kinds[id].Load().sizeForCore(pointer(uintptr(object))))
}
