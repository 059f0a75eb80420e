/* SPDX-License-Identifier: MIT */
#include "handle.h"

#include <stddef.h>

#include "account.h"
#include "address.h"
#include "binding.h"
#include "end.h"
#include "family.h"
#include "ledger.h"
#include "lender.h"
#include "platform.h"
#include "report.h"
#include "site.h"
#include "watch.h"

/* The slot of a handle, or NULL for one that can't be. */
static belay__slot *handle_slot(belay_handle handle) {
    uint32_t index = belay__handle_index(handle);
    return index < BELAY__GROUP_SLOTS ? NULL : belay__table_slot(index);
}

static belay__caller handle_thread(void) {
    return (belay__caller){.identity = belay__identity_self(), .wait = BELAY__GUARD_WAIT};
}

static belay_status handle_refuse(
        belay_report_kind kind, belay_status status, belay_handle handle, uint32_t site) {
    belay__report_misuse(kind, status, handle.bits, site);
    return status;
}

/* False: the parent is gone or ending. Only a look; adoption decides. */
static bool handle_takes_children(belay_handle parent) {
    belay__slot *slot = handle_slot(parent);
    uint64_t state = slot == NULL ? 0 : belay__load(&slot->state);
    return slot != NULL && belay__state_is(state, parent) &&
           !(state & BELAY_STATE_DYING) &&
           (!(state & BELAY_STATE_CLOSED) || belay__state_borrows(state) != 0);
}

belay_status belay__handle_open(uint32_t index, uint32_t type_id, void *object,
        uint64_t size_bytes, belay_handle parent, uint32_t site, uint64_t flags,
        belay_handle *out_handle) {
    const belay__type *type = belay__type_get(type_id);
    if (type == NULL || object == NULL) {
        return BELAY_INVALID;
    }
    /* Asked before the slot is written: it may be the one that still knows the parent's
     * past. */
    if (parent.bits != 0 && !handle_takes_children(parent)) {
        return handle_refuse(BELAY_REPORT_USE_AFTER_CLOSE, BELAY_CLOSED, parent, site);
    }
    belay__slot *slot = belay__table_slot(index);
    uint64_t generation = belay__load(&slot->state) & BELAY__GENERATION_MASK;
    belay_handle handle = {generation | index};
    uint64_t address = (uint64_t)(uintptr_t)object;
    if (belay__report_level() == BELAY_LEVEL_ALL) {
        uint64_t owner = belay__address_record(address, handle.bits);
        if (owner != 0) {
            belay__report_misuse(
                    BELAY_REPORT_DOUBLE_OWN, BELAY_ALREADY_OWNED, owner, site);
            return BELAY_ALREADY_OWNED;
        }
    }
    belay__put(&slot->object, address);
    belay__put(&slot->size_bytes, size_bytes);
    belay__put(&slot->opened_ms, (uint32_t)belay__now_ms());
    belay__put(&slot->type, type_id);
    belay__put(&slot->parent, 0);
    belay__put(&slot->site, site);
    belay__put(&slot->epoch, belay__load_relaxed(belay__account_epoch()));
    belay__put(&slot->first_child, 0);
    belay__put(&slot->next, 0);
    belay__put(&slot->previous, 0);
    belay__put(&slot->root, index);
    if (type->options.thread == BELAY_THREAD_PINNED) {
        belay__put(&belay__table_cold(index)->thread, belay__identity_self());
    }
    uint64_t state = generation | BELAY_STATE_LIVE | flags;
    if (type->is_slow) {
        state |= BELAY_STATE_SLOW;
    }
    if (parent.bits != 0) {
        belay_status status = belay__family_adopt(index, state, parent);
        if (status != BELAY_OK) {
            belay__address_forget(address, handle.bits);
            belay__put(&slot->object, 0);
            belay__report_misuse(status == BELAY_WRONG_THREAD
                                         ? BELAY_REPORT_WRONG_THREAD
                                         : BELAY_REPORT_USE_AFTER_CLOSE,
                    status, parent.bits, site);
            return status;
        }
    } else {
        belay__store(&slot->state, state);
    }
    belay__ledger_goes_on();
    belay__account_opened(type_id, size_bytes);
    *out_handle = handle;
    return BELAY_OK;
}

belay_status belay_own(belay_type type, void *object, const belay_own_options *options,
        belay_handle *out_handle) {
    const belay__type *known = belay__type_get(type.id);
    if (known == NULL || object == NULL || out_handle == NULL ||
            (options != NULL && options->size != sizeof *options)) {
        return BELAY_INVALID;
    }
    belay_own_options none = {.size = sizeof none};
    if (options == NULL) {
        options = &none;
    }
    uint64_t size_bytes =
            options->size_bytes != 0 ? options->size_bytes : known->options.size_bytes;
    belay_status status = BELAY_OK;
    uint32_t index = belay__table_take(&status);
    belay__ledger_tell_lost();
    if (index == 0) {
        if (status == BELAY_TABLE_FULL) {
            belay__report_table_full();
        }
        return status;
    }
    status = belay__handle_open(index, type.id, object, size_bytes, options->parent,
            belay__site_of(options->site), 0, out_handle);
    if (status != BELAY_OK) {
        belay__table_give(index);
    }
    return status;
}

/* True if the object is pinned to another thread. */
static bool handle_is_elsewhere(const belay__type *type, uint32_t index) {
    return type->options.thread == BELAY_THREAD_PINNED &&
           belay__get(&belay__table_cold(index)->thread) != belay__identity_self();
}

/* Enters what guards the object and checks its thread. out_guard: its number; 0 where
 * none is. */
static belay_status handle_enter(belay_handle handle, const belay__type *type,
        belay__caller *caller, uint32_t *out_guard) {
    uint32_t index = belay__handle_index(handle);
    *out_guard = 0;
    if (handle_is_elsewhere(type, index)) {
        return BELAY_WRONG_THREAD;
    }
    if (type->options.thread == BELAY_THREAD_PUMPED &&
            !belay__type_is_pump_thread(type)) {
        return BELAY_WRONG_THREAD;
    }
    if (!belay__guard_is_needed(type)) {
        return BELAY_OK;
    }
    uint32_t guard = belay__guard_number(type, index);
    belay_status status = belay__guard_enter(
            belay__guard_of(guard), caller->identity, caller->wait, index);
    if (status == BELAY_OK) {
        *out_guard = guard;
    }
    caller->guard = status == BELAY_BUSY ? guard : 0;
    return status;
}

/* Leaves a guard, and tells a foreign waiter, or has the caller tell it. */
static void handle_leave(uint32_t guard, belay__caller *caller) {
    if (guard == 0 || !belay__guard_leave(belay__guard_of(guard), caller->identity)) {
        return;
    }
    if (caller->wait == BELAY__GUARD_NOTE) {
        caller->guard = guard;
    } else {
        belay__guard_tell(guard);
    }
}

/* Counts a borrow, if the object is open. */
static belay_status handle_count(belay__slot *slot, belay_handle handle) {
    uint64_t state = belay__load(&slot->state);
    for (;;) {
        if (!belay__state_is(state, handle) || (state & BELAY_STATE_CLOSED)) {
            return BELAY_CLOSED;
        }
        if (belay__state_is_full(state)) {
            return BELAY_TOO_MANY_BORROWS;
        }
        if (belay__cas(&slot->state, &state, state + 1)) {
            return BELAY_OK;
        }
    }
}

belay_status belay__handle_borrow(
        belay_handle handle, belay__caller *caller, void **out_object) {
    belay__slot *slot = handle_slot(handle);
    uint64_t state = slot == NULL ? 0 : belay__load(&slot->state);
    if (slot == NULL || !belay__state_is(state, handle) || (state & BELAY_STATE_CLOSED)) {
        return handle_refuse(
                BELAY_REPORT_USE_AFTER_CLOSE, BELAY_CLOSED, handle, caller->site);
    }
    uint32_t guard = 0;
    belay_status status = BELAY_OK;
    if (state & BELAY_STATE_SLOW) {
        const belay__type *type = belay__type_of(slot);
        /* The row may be another object's by now; then the count below refuses. */
        status = handle_enter(handle, type, caller, &guard);
        if (status == BELAY_BUSY) {
            return status;
        }
    }
    if (status == BELAY_OK) {
        status = handle_count(slot, handle);
        if (status == BELAY_OK) {
            *out_object = (void *)(uintptr_t)belay__get(&slot->object);
            return status;
        }
        /* Told here, not by the caller: a failed borrow names no guard. */
        if (guard != 0 && belay__guard_leave(belay__guard_of(guard), caller->identity)) {
            belay__guard_tell(guard);
        }
    }
    if (status == BELAY_CLOSED) {
        return handle_refuse(BELAY_REPORT_USE_AFTER_CLOSE, status, handle, caller->site);
    }
    if (status == BELAY_WRONG_THREAD) {
        return handle_refuse(BELAY_REPORT_WRONG_THREAD, status, handle, caller->site);
    }
    return status;
}

belay_status belay_borrow(belay_handle handle, void **out_object) {
    belay__caller caller = handle_thread();
    return belay__handle_borrow(handle, &caller, out_object);
}

/* Takes a borrow back; the last one of a closed object ends it. False: there was none. */
static bool handle_uncount(
        belay__slot *slot, belay_handle handle, const belay__caller *caller) {
    uint64_t state = belay__load(&slot->state);
    do {
        if (!belay__state_is(state, handle) || belay__state_count(state) == 0) {
            return false;
        }
    } while (!belay__cas(&slot->state, &state, state - 1));
    if ((state & BELAY_STATE_CLOSED) && belay__state_borrows(state) == 1) {
        /* Nobody waits for the result, so no guard is waited for either: we may be inside
         * others (of two serial types, one thread each). */
        belay__ending ending = {.identity = caller->identity,
                .site = caller->site,
                .wait = BELAY__GUARD_PARK,
                .is_late = true};
        belay__end(handle, &ending);
    }
    return true;
}

belay_status belay__handle_return(belay_handle handle, belay__caller *caller) {
    belay__slot *slot = handle_slot(handle);
    uint64_t state = slot == NULL ? 0 : belay__load(&slot->state);
    uint32_t guard = 0;
    if (slot != NULL && belay__state_is(state, handle) && (state & BELAY_STATE_SLOW)) {
        const belay__type *type = belay__type_of(slot);
        if (belay__guard_is_needed(type)) {
            guard = belay__guard_number(type, belay__handle_index(handle));
            if (!belay__guard_is_mine(belay__guard_of(guard), caller->identity)) {
                return handle_refuse(BELAY_REPORT_DOUBLE_RETURN, BELAY_NOT_BORROWED,
                        handle, caller->site);
            }
        }
    }
    if (slot == NULL || !handle_uncount(slot, handle, caller)) {
        return handle_refuse(
                BELAY_REPORT_DOUBLE_RETURN, BELAY_NOT_BORROWED, handle, caller->site);
    }
    handle_leave(guard, caller);
    return BELAY_OK;
}

/* Takes the standing loan back, and gives back what it was, if it is idle. */
static void handle_recall(
        belay__slot *slot, belay_handle handle, const belay__caller *caller) {
    if (belay__lender_recall(handle, caller->identity)) {
        (void)handle_uncount(slot, handle, caller);
    }
}

belay__lending belay__handle_lend(
        uint32_t index, uint64_t ref, const belay__caller *caller, uint16_t *out_lender) {
    belay__lending lending = belay__lender_ask(index, ref, caller->identity, out_lender);
    if (lending == BELAY__LENDING_SHARED) {
        belay_handle handle = {(ref & BELAY__GENERATION_MASK) | index};
        handle_recall(belay__table_slot(index), handle, caller);
    }
    return lending;
}

void belay__handle_settle(
        belay_handle handle, uint32_t lender, const belay__caller *caller) {
    if (belay__lender_settle(lender, handle)) {
        (void)handle_uncount(
                belay__table_slot(belay__handle_index(handle)), handle, caller);
    }
}

belay_status belay__handle_return_lent(
        belay_handle handle, uint32_t lender, const belay__caller *caller) {
    belay__slot *slot = belay__table_slot(belay__handle_index(handle));
    bool is_last = false;
    bool is_shared = false;
    belay_status status = belay__lender_return(lender, handle, &is_last, &is_shared);
    if (is_last) {
        (void)handle_uncount(slot, handle, caller);
    } else if (is_shared) {
        handle_recall(slot, handle, caller);
    }
    return status == BELAY_OK ? status
                              : handle_refuse(BELAY_REPORT_DOUBLE_RETURN, status, handle,
                                        caller->site);
}

belay_status belay_return(belay_handle handle) {
    belay__caller caller = handle_thread();
    return belay__handle_return(handle, &caller);
}

/* A close of something closed: fine, and at level `all` worth telling when it is stale.
 */
static belay_status handle_close_again(belay_handle handle, uint32_t site) {
    if (handle.bits != 0 && belay__report_level() == BELAY_LEVEL_ALL) {
        belay__report_misuse(BELAY_REPORT_DOUBLE_CLOSE, BELAY_OK, handle.bits, site);
    }
    return BELAY_OK;
}

belay_status belay__handle_close(
        belay_handle handle, belay__caller *caller, int *out_code, bool *out_is_done) {
    belay__slot *slot = handle_slot(handle);
    uint64_t state = slot == NULL ? 0 : belay__load(&slot->state);
    *out_is_done = false;
    if (slot == NULL || !belay__state_is(state, handle)) {
        *out_is_done = true;
        return handle_close_again(handle, caller->site);
    }
    if (state & BELAY_STATE_CLOSED) {
        return BELAY_OK;
    }
    uint32_t guard = 0;
    if (state & BELAY_STATE_SLOW) {
        const belay__type *type = belay__type_of(slot);
        bool is_pumped = type->options.thread == BELAY_THREAD_PUMPED;
        /* Used or not: a guarded object that is idle may share its guard with one that is
         * not, and closing calls the library. A used exclusive one is only marked. */
        bool is_used = belay__state_borrows(state) != 0;
        belay_status status = is_pumped || is_used
                                      ? BELAY_OK
                                      : handle_enter(handle, type, caller, &guard);
        if (status == BELAY_BUSY) {
            return status;
        }
        if (status == BELAY_WRONG_THREAD) {
            return handle_refuse(BELAY_REPORT_WRONG_THREAD, status, handle, caller->site);
        }
        if (status != BELAY_OK) {
            return status;
        }
    }
    belay_status status = BELAY_OK;
    if (belay__family_close(handle, 0, &state)) {
        belay__ending ending = {.identity = caller->identity,
                .site = caller->site,
                .wait = BELAY__GUARD_WAIT};
        belay__end(handle, &ending);
        if (ending.is_done) {
            *out_is_done = true;
            status = ending.status;
            if (out_code != NULL) {
                *out_code = ending.code;
            }
        }
    }
    handle_leave(guard, caller);
    return status;
}

belay_status belay_close(belay_handle handle, int *out_code) {
    belay__caller caller = handle_thread();
    bool is_done = false;
    return belay__handle_close(handle, &caller, out_code, &is_done);
}

bool belay__handle_is_inside(belay_handle handle, uint64_t identity) {
    belay__slot *slot = handle_slot(handle);
    if (slot == NULL || !belay__state_is(belay__load(&slot->state), handle)) {
        return false;
    }
    const belay__type *type = belay__type_of(slot);
    return belay__guard_is_needed(type) &&
           belay__guard_is_mine(belay__guard_of(belay__guard_number(
                                        type, belay__handle_index(handle))),
                   identity);
}

belay_status belay_close_wait(belay_handle handle, uint64_t timeout_ms, int *out_code) {
    belay__caller caller = handle_thread();
    belay__watcher watcher;
    bool is_done = false;
    uint64_t deadline =
            timeout_ms > UINT64_MAX / 2 ? UINT64_MAX : belay__now_ms() + timeout_ms;
    belay__slot *slot = handle_slot(handle);
    bool is_watched = slot != NULL && belay__watch_begin(&watcher, handle);
    belay_status status = belay__handle_close(handle, &caller, out_code, &is_done);
    if (!is_watched) {
        /* Gone, or in the net's tight loop right now. */
        uint64_t state = slot == NULL ? 0 : belay__load(&slot->state);
        while (belay__state_is(state, handle) && (state & BELAY_STATE_CLOSED)) {
            if (belay__now_ms() >= deadline) {
                return BELAY_TIMED_OUT;
            }
            belay__thread_pause();
            state = belay__load(&slot->state);
        }
        return belay__state_is(state, handle) ? BELAY_REFUSED : status;
    }
    if (is_done || status != BELAY_OK) {
        deadline = 0; /* the result is known: only takes the watcher away */
    } else if (belay__handle_is_inside(handle, caller.identity)) {
        status = BELAY_WOULD_DEADLOCK;
        is_done = true;
        deadline = 0;
    }
    bool is_told = belay__watch_end(&watcher, deadline);
    if (is_done || status != BELAY_OK) {
        return status;
    }
    if (!is_told) {
        return BELAY_TIMED_OUT;
    }
    if (out_code != NULL) {
        *out_code = watcher.code;
    }
    return watcher.status;
}

belay_status belay__handle_disown(
        belay_handle handle, const belay__caller *caller, void **out_object) {
    belay__slot *slot = handle_slot(handle);
    uint64_t state = slot == NULL ? 0 : belay__load(&slot->state);
    void *object = NULL;
    /* Claimed first, so that nobody borrows or closes; childless is decided after that.
     */
    for (;;) {
        if (slot == NULL || !belay__state_is(state, handle) ||
                (state & BELAY_STATE_CLOSED)) {
            return handle_refuse(
                    BELAY_REPORT_USE_AFTER_CLOSE, BELAY_CLOSED, handle, caller->site);
        }
        if (state & BELAY_STATE_LENT) {
            handle_recall(slot, handle, caller);
            state = belay__load(&slot->state);
            continue; /* an object is lent once at most */
        }
        if (belay__state_borrows(state) != 0) {
            return BELAY_BUSY;
        }
        if (state & BELAY_STATE_KIN) {
            belay_status status = belay__family_claim_childless(handle);
            if (status == BELAY_OK) {
                break;
            }
            state = belay__load(&slot->state);
            if (status == BELAY_BUSY && (state & BELAY_STATE_LENT)) {
                continue; /* since we looked */
            }
            return status;
        }
        if (belay__cas(&slot->state, &state,
                    state | BELAY_STATE_CLOSED | BELAY_STATE_DYING)) {
            break;
        }
    }
    object = (void *)(uintptr_t)belay__get(&slot->object);
    belay__end_disown(belay__handle_index(handle), caller->identity, caller->site);
    *out_object = object;
    return BELAY_OK;
}

belay_status belay_disown(belay_handle handle, void **out_object) {
    belay__caller caller = handle_thread();
    return belay__handle_disown(handle, &caller, out_object);
}

belay_status belay_resize(belay_handle handle, uint64_t size_bytes) {
    belay__slot *slot = handle_slot(handle);
    if (slot == NULL) {
        return BELAY_CLOSED;
    }
    /* Its borrow might be the last one, and end what another thread must end. */
    if (handle_is_elsewhere(belay__type_of(slot), belay__handle_index(handle)) &&
            belay__state_is(belay__load(&slot->state), handle)) {
        return handle_refuse(BELAY_REPORT_WRONG_THREAD, BELAY_WRONG_THREAD, handle, 0);
    }
    /* A borrow keeps the row this object's while it changes. */
    belay_status status = handle_count(slot, handle);
    if (status != BELAY_OK) {
        return status;
    }
    uint64_t old = belay__swap(&slot->size_bytes, size_bytes);
    belay__account_resized(belay__type_of(slot)->id, old, size_bytes);
    belay__caller caller = handle_thread();
    (void)handle_uncount(slot, handle, &caller);
    return BELAY_OK;
}

belay_status belay_measure(belay_handle handle) {
    belay__caller caller = handle_thread();
    void *object = NULL;
    belay_status status = belay__handle_borrow(handle, &caller, &object);
    if (status != BELAY_OK) {
        return status;
    }
    belay__slot *slot = handle_slot(handle);
    const belay__type *type = belay__type_of(slot);
    if (type->options.size_of == NULL) {
        status = BELAY_INVALID;
    } else {
        uint64_t size = type->options.size_of(type->options.context, object);
        uint64_t old = belay__swap(&slot->size_bytes, size);
        belay__account_resized(type->id, old, size);
    }
    (void)belay__handle_return(handle, &caller);
    return status;
}
