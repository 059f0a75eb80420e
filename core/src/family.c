/* SPDX-License-Identifier: MIT */
#include "family.h"

#include "binding.h"
#include "fork.h"

static belay__lock family_locks[BELAY__STRIPES] = {
        BELAY__TIMES_STRIPES(BELAY__LOCK_INIT)};

/* Locks the family of a slot; its root can't change while it is live. Returns the lock,
 * or NULL if the slot is not the live object that the handle names. */
static belay__lock *family_enter(belay__slot *slot, belay_handle handle) {
    uint32_t root = belay__get(&slot->root);
    belay__lock *lock = &family_locks[root % BELAY__STRIPES];
    belay__lock_take(lock);
    if (!belay__state_is(belay__load(&slot->state), handle) ||
            belay__get(&slot->root) != root) {
        belay__lock_drop(lock);
        return NULL;
    }
    return lock;
}

/* Puts a child at the front of its parent's ring. */
static void family_link(belay__slot *parent, uint32_t index) {
    belay__slot *child = belay__table_slot(index);
    uint32_t first = parent->first_child;
    belay__put(&child->next, first);
    if (first == 0) {
        belay__put(&child->previous, index);
    } else {
        belay__put(&child->previous, belay__table_slot(first)->previous);
        belay__put(&belay__table_slot(first)->previous, index);
    }
    belay__put(&parent->first_child, index);
}

static void family_unlink(belay__slot *parent, uint32_t index) {
    belay__slot *child = belay__table_slot(index);
    if (parent->first_child == index) {
        belay__put(&parent->first_child, child->next);
    } else {
        belay__put(&belay__table_slot(child->previous)->next, child->next);
    }
    if (child->next != 0) {
        belay__put(&belay__table_slot(child->next)->previous, child->previous);
    } else if (parent->first_child != 0) {
        belay__put(&belay__table_slot(parent->first_child)->previous, child->previous);
    }
    belay__put(&child->next, 0);
    belay__put(&child->previous, 0);
}

/* Puts a closed child at the end of its parent's ring. */
static void family_to_end(belay__slot *parent, uint32_t index) {
    belay__slot *child = belay__table_slot(index);
    if (child->next == 0) {
        return;
    }
    family_unlink(parent, index);
    uint32_t first = parent->first_child;
    uint32_t last = belay__table_slot(first)->previous;
    belay__put(&belay__table_slot(last)->next, index);
    belay__put(&child->previous, last);
    belay__put(&child->next, 0);
    belay__put(&belay__table_slot(first)->previous, index);
}

static belay__slot *family_parent(const belay__slot *slot) {
    belay_handle parent = {belay__get(&slot->parent)};
    return parent.bits == 0 ? NULL : belay__table_slot(belay__handle_index(parent));
}

/* Sets and clears flags of the live object; the borrow count may change meanwhile. Under
 * the family's lock. False: it is not live, or has a flag of `unless`, or lacks one of
 * `only`. */
static bool family_flags(belay__slot *slot, belay_handle handle, uint64_t only,
        uint64_t unless, uint64_t set, uint64_t clear, uint64_t *out_state) {
    uint64_t state = belay__load(&slot->state);
    for (;;) {
        if (!belay__state_is(state, handle) || (state & only) != only ||
                (state & unless)) {
            *out_state = state;
            return false;
        }
        uint64_t new = (state | set) & ~clear;
        if (belay__cas(&slot->state, &state, new)) {
            *out_state = new;
            return true;
        }
    }
}

belay_status belay__family_adopt(uint32_t index, uint64_t state, belay_handle parent) {
    belay__slot *slot = belay__table_slot(belay__handle_index(parent));
    belay__lock *lock = slot == NULL ? NULL : family_enter(slot, parent);
    if (lock == NULL) {
        return BELAY_CLOSED;
    }
    belay_status status = BELAY_CLOSED;
    const belay__type *type = belay__type_of(slot);
    uint64_t seen = belay__load(&slot->state);
    if (type->options.thread == BELAY_THREAD_PINNED &&
            belay__get(&belay__table_cold(belay__handle_index(parent))->thread) !=
                    belay__identity_self()) {
        status = BELAY_WRONG_THREAD;
        goto done;
    }
    /* Closed but borrowed still takes children: the call in progress made this one. */
    for (;;) {
        bool is_ending = (seen & BELAY_STATE_DYING) ||
                         ((seen & BELAY_STATE_CLOSED) && belay__state_borrows(seen) == 0);
        if (!belay__state_is(seen, parent) || is_ending) {
            goto done;
        }
        if (belay__cas(&slot->state, &seen, seen | BELAY_STATE_KIN)) {
            break;
        }
    }
    belay__slot *child = belay__table_slot(index);
    belay__put(&child->parent, parent.bits);
    belay__put(&child->root, slot->root);
    family_link(slot, index);
    belay__store(&child->state, state | BELAY_STATE_KIN);
    status = BELAY_OK;
done:
    belay__lock_drop(lock);
    return status;
}

void belay__family_leave(uint32_t index) {
    belay__slot *slot = belay__table_slot(index);
    belay__slot *parent = family_parent(slot);
    if (parent == NULL) {
        return;
    }
    belay__lock *lock = &family_locks[slot->root % BELAY__STRIPES];
    belay__lock_take(lock);
    family_unlink(parent, index);
    belay__lock_drop(lock);
}

bool belay__family_close(belay_handle handle, uint64_t flags, uint64_t *out_state) {
    belay__slot *slot = belay__table_slot(belay__handle_index(handle));
    uint64_t set = BELAY_STATE_CLOSED | flags;
    /* Without kin the state alone decides; kin can appear meanwhile, only while it is
     * open. */
    uint64_t state = belay__load(&slot->state);
    while (belay__state_is(state, handle) &&
            !(state & (BELAY_STATE_KIN | BELAY_STATE_CLOSED))) {
        if (belay__cas(&slot->state, &state, state | set)) {
            *out_state = state | set;
            return true;
        }
    }
    belay__lock *lock = family_enter(slot, handle);
    if (lock == NULL) {
        *out_state = belay__load(&slot->state);
        return false;
    }
    bool is_new = family_flags(slot, handle, 0, BELAY_STATE_CLOSED, set, 0, out_state);
    belay__slot *parent = family_parent(slot);
    if (is_new && parent != NULL) {
        family_to_end(parent, belay__handle_index(handle));
    }
    belay__lock_drop(lock);
    return is_new;
}

/* Closes the newest open child. Under the family's lock. NOTHING: none is open, or it is
 * in use. */
static belay__family_step family_close_child(
        belay__slot *slot, uint64_t flags, belay_handle *out_child) {
    for (;;) {
        uint32_t index = slot->first_child;
        belay__slot *child = belay__table_slot(index);
        uint64_t state = belay__load(&child->state);
        if (state & BELAY_STATE_CLOSED) {
            return BELAY__STEP_NOTHING;
        }
        belay_handle handle = {(state & BELAY__GENERATION_MASK) | index};
        if (!family_flags(child, handle, 0, BELAY_STATE_CLOSED,
                    BELAY_STATE_CLOSED | flags, 0, &state)) {
            return BELAY__STEP_NOTHING;
        }
        family_to_end(slot, index);
        /* Lent, it may be idle: who goes on with it finds out. */
        if (belay__state_borrows(state) == 0 || (state & BELAY_STATE_LENT)) {
            *out_child = handle;
            return BELAY__STEP_DESCEND;
        }
    }
}

belay__family_step belay__family_advance(belay_handle handle, belay_handle *out_child) {
    belay__slot *slot = belay__table_slot(belay__handle_index(handle));
    uint64_t state = belay__load(&slot->state);
    /* A closed object without kin never gets any: adopt refuses it unless it is borrowed.
     */
    while (belay__state_is(state, handle) && !(state & BELAY_STATE_KIN)) {
        if (!(state & BELAY_STATE_CLOSED) || (state & BELAY_STATE_DYING) ||
                belay__state_borrows(state) != 0) {
            return BELAY__STEP_NOTHING;
        }
        if (belay__cas(&slot->state, &state, state | BELAY_STATE_DYING)) {
            return BELAY__STEP_CLAIMED;
        }
    }
    belay__lock *lock = family_enter(slot, handle);
    if (lock == NULL) {
        return BELAY__STEP_NOTHING;
    }
    belay__family_step step = BELAY__STEP_NOTHING;
    state = belay__load(&slot->state);
    bool is_ready = (state & BELAY_STATE_CLOSED) && !(state & BELAY_STATE_DYING) &&
                    belay__state_borrows(state) == 0;
    if (is_ready && slot->first_child != 0) {
        if (belay__type_of(slot)->options.children == BELAY_CHILDREN_CASCADE) {
            step = family_close_child(slot, state & BELAY_STATE_NETTED, out_child);
        }
    } else if (is_ready) {
        if (family_flags(slot, handle, BELAY_STATE_CLOSED, BELAY_STATE_DYING,
                    BELAY_STATE_DYING, 0, &state)) {
            step = BELAY__STEP_CLAIMED;
        }
    }
    belay__lock_drop(lock);
    return step;
}

bool belay__family_reopen(belay_handle handle, uint64_t from, uint64_t *out_state) {
    belay__slot *slot = belay__table_slot(belay__handle_index(handle));
    uint64_t clear = BELAY_STATE_CLOSED | BELAY_STATE_DYING | BELAY_STATE_NETTED;
    *out_state = 0;
    belay__lock *lock = family_enter(slot, handle);
    if (lock == NULL) {
        return false;
    }
    uint64_t state = belay__load(&slot->state);
    bool is_it = (state & BELAY_STATE_CLOSED) && (state & BELAY_STATE_DYING) == from &&
                 belay__state_borrows(state) == 0;
    is_it = is_it &&
            family_flags(slot, handle, BELAY_STATE_CLOSED, 0, 0, clear, out_state);
    belay__slot *parent = family_parent(slot);
    if (is_it && parent != NULL && slot->previous != 0) {
        uint32_t index = belay__handle_index(handle);
        family_unlink(parent, index);
        family_link(parent, index);
    }
    belay__lock_drop(lock);
    return is_it;
}

belay_status belay__family_claim_childless(belay_handle handle) {
    belay__slot *slot = belay__table_slot(belay__handle_index(handle));
    belay__lock *lock = family_enter(slot, handle);
    if (lock == NULL) {
        return BELAY_CLOSED;
    }
    belay_status status = BELAY_OK;
    uint64_t state = belay__load(&slot->state);
    for (;;) {
        /* An object is released outside the lock: it may be gone since we looked. */
        if (!belay__state_is(state, handle) || (state & BELAY_STATE_CLOSED)) {
            status = BELAY_CLOSED;
            break;
        }
        if (belay__state_borrows(state) != 0 || slot->first_child != 0) {
            status = BELAY_BUSY;
            break;
        }
        if (belay__cas(&slot->state, &state,
                    state | BELAY_STATE_CLOSED | BELAY_STATE_DYING)) {
            break;
        }
    }
    belay__lock_drop(lock);
    return status;
}

void belay__family_fork(belay__fork_step step) {
    for (uint32_t i = 0; i < BELAY__STRIPES; i++) {
        belay__fork_lock(&family_locks[i], step);
    }
}
