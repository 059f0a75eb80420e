/* SPDX-License-Identifier: MIT */
#include "end.h"

#include "account.h"
#include "address.h"
#include "binding.h"
#include "family.h"
#include "ledger.h"
#include "lender.h"
#include "queue.h"
#include "report.h"
#include "watch.h"

#define END_GENERATION_ONE (UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT)

typedef enum end_outcome {
    END_GONE,
    END_OPEN, /* it refused, or could not be called here */
    END_MOVED /* another thread will call it */
} end_outcome;

static belay_handle end_handle(uint32_t index) {
    uint64_t state = belay__load(&belay__table_slot(index)->state);
    return (belay_handle){(state & BELAY__GENERATION_MASK) | index};
}

/* Opens a claimed object again and says why. */
static belay_status end_reopen(uint32_t index, belay_report_kind kind,
        belay_status status, int code, const belay__ending *ending) {
    belay__slot *slot = belay__table_slot(index);
    belay_handle handle = end_handle(index);
    belay__mistake mistake = {.kind = kind,
            .status = status,
            .type = belay__type_of(slot)->id,
            .handle = handle.bits,
            .count = 1,
            .age_ms = belay__age_ms(belay__get(&slot->opened_ms)),
            .code = code,
            .opened = belay__get(&slot->site),
            .closed = ending->site};
    belay__account_count(mistake.type, refused);
    belay__put(&belay__table_cold(index)->leak, 0);
    uint64_t state = 0;
    (void)belay__family_reopen(handle, BELAY_STATE_DYING, &state);
    belay__report(&mistake);
    if (state & BELAY_STATE_WATCHED) {
        belay__watch_tell(handle.bits, status, code);
    }
    return status;
}

/* Frees the slot of an object that is gone. Returns its last state. */
static uint64_t end_release(uint32_t index, uint32_t site) {
    belay__slot *slot = belay__table_slot(index);
    belay__put(&slot->object, 0);
    belay__put(&slot->parent, 0);
    belay__put(&slot->epoch, site);
    uint64_t generation = belay__load(&slot->state) & BELAY__GENERATION_MASK;
    if (generation >> BELAY_STATE_GENERATION_SHIFT == BELAY__GENERATION_LAST) {
        /* The next generation would be 0 again and old handles would match: retired. */
        return belay__swap(&slot->state, generation | BELAY_STATE_CLOSED);
    }
    uint64_t last = belay__swap(&slot->state, generation + END_GENERATION_ONE);
    belay__table_give(index);
    return last;
}

belay_status belay__end_settle(
        uint32_t index, belay_on_error verdict, int code, const belay__ending *ending) {
    if (verdict == BELAY_ON_ERROR_KEPT) {
        return end_reopen(
                index, BELAY_REPORT_DESTROY_REFUSED, BELAY_REFUSED, code, ending);
    }
    belay__slot *slot = belay__table_slot(index);
    bool is_failed = code != 0 && verdict == BELAY_ON_ERROR_GONE;
    belay_status status = is_failed ? BELAY_DESTROY_FAILED : BELAY_OK;
    uint64_t handle = end_handle(index).bits;
    /* Found by the net, unless a shutdown told of it first. */
    bool is_rescue = (belay__load(&slot->state) & BELAY_STATE_NETTED) &&
                     belay__swap(&belay__table_cold(index)->leak, handle) != handle;
    belay__mistake mistake = {.kind = BELAY_REPORT_RESCUE,
            .type = belay__type_of(slot)->id,
            .handle = handle,
            .count = 1,
            .age_ms = belay__age_ms(belay__get(&slot->opened_ms)),
            .opened = belay__get(&slot->site)};
    belay__family_leave(index);
    belay__address_forget(belay__get(&slot->object), mistake.handle);
    if (is_rescue) {
        belay__account_count(mistake.type, rescued);
    } else if (belay__get(&belay__table_cold(index)->leak) == mistake.handle) {
        belay__account_count(mistake.type, leaked);
    }
    if (is_failed) {
        belay__account_count(mistake.type, failed);
    }
    belay__account_gone(mistake.type, 1, belay__get(&slot->size_bytes));
    uint64_t last = end_release(index, ending->site);
    if (is_rescue) {
        belay__report(&mistake);
    }
    if (is_failed && ending->is_late) {
        mistake.kind = BELAY_REPORT_DESTROY_FAILED;
        mistake.status = status;
        mistake.code = code;
        mistake.closed = ending->site;
        belay__report(&mistake);
    }
    if (last & BELAY_STATE_WATCHED) {
        belay__watch_tell(mistake.handle, status, code);
    }
    return status;
}

void belay__end_disown(uint32_t index, uint64_t identity, uint32_t site) {
    belay__slot *slot = belay__table_slot(index);
    uint64_t handle = end_handle(index).bits;
    uint32_t type = belay__type_of(slot)->id;
    belay_handle parent = {belay__get(&slot->parent)};
    belay__family_leave(index);
    belay__address_forget(belay__get(&slot->object), handle);
    belay__account_count(type, disowned);
    belay__account_gone(type, 1, belay__get(&slot->size_bytes));
    if (end_release(index, site) & BELAY_STATE_WATCHED) {
        belay__watch_tell(handle, BELAY_OK, 0);
    }
    if (parent.bits != 0) {
        /* It may have been the last child that a closed parent waited for. */
        belay__ending ending = {
                .identity = identity, .wait = BELAY__GUARD_PARK, .is_late = true};
        belay__end(parent, &ending);
    }
}

/* Calls the destructor of a claimed object, under its guard and on its thread. */
static end_outcome end_run(
        uint32_t index, belay__ending *ending, belay_status *out_status, int *out_code) {
    belay__slot *slot = belay__table_slot(index);
    belay__type *type = belay__type_of(slot);
    *out_code = 0;
    if (type->options.thread == BELAY_THREAD_PINNED &&
            belay__get(&belay__table_cold(index)->thread) != belay__identity_self()) {
        *out_status = end_reopen(
                index, BELAY_REPORT_WRONG_THREAD, BELAY_WRONG_THREAD, 0, ending);
        return END_OPEN;
    }
    if (type->options.thread == BELAY_THREAD_PUMPED && !belay__type_is_pumping(type)) {
        belay__type_pump_add(type, index);
        return END_MOVED;
    }
    belay__cold *guard = NULL;
    uint32_t number = 0;
    if (belay__guard_is_needed(type)) {
        number = belay__guard_number(type, index);
        guard = belay__guard_of(number);
        if (ending->wait == BELAY__GUARD_PARK) {
            belay__queue_hold();
        }
        belay_status status =
                belay__guard_enter(guard, ending->identity, ending->wait, index);
        if (status == BELAY_BUSY) {
            return END_MOVED;
        }
        if (ending->wait == BELAY__GUARD_PARK) {
            belay__queue_unhold();
        }
        if (status != BELAY_OK) {
            *out_status =
                    end_reopen(index, BELAY_REPORT_DESTROY_REFUSED, status, 0, ending);
            return END_OPEN;
        }
    }
    int code = 0;
    if (type->options.destroy != NULL) {
        code = type->options.destroy(
                type->options.context, (void *)(uintptr_t)belay__get(&slot->object));
    }
    belay_on_error verdict = belay__type_judge(type, code);
    if (guard != NULL && belay__guard_leave(guard, ending->identity)) {
        belay__guard_tell(number);
    }
    *out_status = belay__end_settle(index, verdict, code, ending);
    *out_code = code;
    return verdict == BELAY_ON_ERROR_KEPT ? END_OPEN : END_GONE;
}

static void end_done(belay__ending *ending, belay_status status, int code) {
    ending->is_done = true;
    ending->status = status;
    ending->code = code;
}

/* From here on with parents: whoever closed them got its answer before, and their guards
 * are not waited for, since we may be inside others. */
static void end_goes_up(belay__ending *ending) {
    ending->is_late = true;
    ending->wait = BELAY__GUARD_PARK;
}

/* A descendant stays: the parents that were closed and waited for it are open again. */
static void end_reopen_parents(
        belay_handle parent, belay_handle top, int code, belay__ending *ending) {
    while (parent.bits != 0) {
        uint32_t index = belay__handle_index(parent);
        belay__slot *slot = belay__table_slot(index);
        belay_handle next = {belay__get(&slot->parent)};
        uint64_t state = 0;
        belay__mistake mistake = {.kind = BELAY_REPORT_DESTROY_REFUSED,
                .status = BELAY_REFUSED,
                .type = belay__type_of(slot)->id,
                .handle = parent.bits,
                .count = 1,
                .age_ms = belay__age_ms(belay__get(&slot->opened_ms)),
                .code = code,
                .opened = belay__get(&slot->site),
                .closed = ending->site};
        /* With hold, the parent did not ask the child to go: it goes on waiting. */
        if (belay__type_of(slot)->options.children == BELAY_CHILDREN_HOLD ||
                !belay__family_reopen(parent, 0, &state)) {
            return;
        }
        belay__account_count(mistake.type, refused);
        belay__report(&mistake);
        if (state & BELAY_STATE_WATCHED) {
            belay__watch_tell(parent.bits, BELAY_REFUSED, code);
        }
        if (parent.bits == top.bits) {
            end_done(ending, BELAY_REFUSED, code);
        }
        parent = next;
    }
}

belay__family_step belay__end_advance(
        belay_handle handle, uint64_t identity, belay_handle *out_child) {
    belay__slot *slot = belay__table_slot(belay__handle_index(handle));
    uint64_t state = belay__load(&slot->state);
    bool is_lent = (state & BELAY_STATE_CLOSED) && (state & BELAY_STATE_LENT);
    if (is_lent && belay__lender_recall(handle, identity)) {
        /* What the last return of a closed object does, we do below. */
        state = belay__load(&slot->state);
        while (!belay__cas(&slot->state, &state, state - 1)) {
        }
    }
    return belay__family_advance(handle, out_child);
}

/* Goes from `at` (claimed already, or not) through the family: down to children that must
 * go first, up to parents that waited. Without recursion, so that depth costs no stack.
 */
static void end_walk(
        belay_handle top, belay_handle at, bool is_claimed, belay__ending *ending) {
    bool is_above = false; /* `at` is above top */
    while (at.bits != 0) {
        uint32_t index = belay__handle_index(at);
        belay__slot *slot = belay__table_slot(index);
        belay_handle parent = {belay__get(&slot->parent)};
        if (!belay__state_is(belay__load(&slot->state), at)) {
            /* Another thread ended it, so the parent we read may be another object's. */
            if (is_above || at.bits == top.bits) {
                return;
            }
            at = top;
            continue;
        }
        belay_handle child = {0};
        belay__family_step step =
                is_claimed ? BELAY__STEP_CLAIMED
                           : belay__end_advance(at, ending->identity, &child);
        is_claimed = false;
        if (step == BELAY__STEP_DESCEND) {
            at = child;
            continue;
        }
        bool is_top = at.bits == top.bits;
        if (step == BELAY__STEP_CLAIMED) {
            belay_status status = BELAY_OK;
            int code = 0;
            bool is_late = ending->is_late;
            ending->is_late = is_late || !is_top; /* only the top's result is returned */
            end_outcome outcome = end_run(index, ending, &status, &code);
            ending->is_late = is_late;
            if (is_top && outcome != END_MOVED) {
                end_done(ending, status, code);
            }
            if (outcome == END_OPEN) {
                end_reopen_parents(parent, top, code, ending);
                return;
            }
            if (outcome == END_GONE && is_top) {
                is_above = true;
                end_goes_up(ending);
                at = parent;
                continue;
            }
        }
        if (is_top || (is_above && step == BELAY__STEP_NOTHING)) {
            return;
        }
        at = parent;
    }
}

void belay__end(belay_handle handle, belay__ending *ending) {
    end_walk(handle, handle, false, ending);
}

void belay__end_claimed(uint32_t index, belay__ending *ending) {
    belay_handle handle = end_handle(index);
    end_walk(handle, handle, true, ending);
}

belay_status belay__end_finish(
        uint32_t index, belay_on_error verdict, int code, belay__ending *ending) {
    belay_handle parent = {belay__get(&belay__table_slot(index)->parent)};
    belay_status status = belay__end_settle(index, verdict, code, ending);
    end_goes_up(ending);
    if (verdict == BELAY_ON_ERROR_KEPT) {
        end_reopen_parents(parent, (belay_handle){0}, code, ending);
    } else if (parent.bits != 0) {
        end_walk(parent, parent, false, ending);
    }
    return status;
}
