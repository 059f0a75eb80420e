/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <stddef.h>

#include "fork.h"
#include "table.h"

static belay__lock watch_lock = BELAY__LOCK_INIT;
static belay__signal watch_signal = BELAY__SIGNAL_INIT;
static belay__watcher *watch_first = NULL;
static void (*watch_ended)(uint64_t handle, uint32_t status, int code) = NULL;

void belay__watch_hook(void (*ended)(uint64_t handle, uint32_t status, int code)) {
    belay__lock_take(&watch_lock);
    watch_ended = ended;
    belay__lock_drop(&watch_lock);
}

bool belay__watch_flag(belay_handle handle) {
    belay__slot *slot = belay__table_slot(belay__handle_index(handle));
    if (slot == NULL) {
        return false;
    }
    uint64_t state = belay__load(&slot->state);
    /* The net's tight loop ends what it claimed by a plain store, which would lose the
     * flag; it takes only objects without any other flag. */
    uint64_t tight = BELAY_STATE_LIVE | BELAY_STATE_CLOSED | BELAY_STATE_DYING |
                     BELAY_STATE_NETTED;
    while (belay__state_is(state, handle) &&
            (state & ~BELAY__GENERATION_MASK & ~BELAY_STATE_WATCHED) != tight) {
        if (belay__cas(&slot->state, &state, state | BELAY_STATE_WATCHED)) {
            return true;
        }
    }
    return false;
}

static void watch_remove(belay__watcher *watcher) {
    belay__watcher **at = &watch_first;
    while (*at != NULL && *at != watcher) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = watcher->next;
    }
}

bool belay__watch_begin(belay__watcher *watcher, belay_handle handle) {
    *watcher = (belay__watcher){.handle = handle.bits, .thread = belay__identity_self()};
    /* In the list first: the flag may be seen at once. */
    belay__lock_take(&watch_lock);
    watcher->next = watch_first;
    watch_first = watcher;
    belay__lock_drop(&watch_lock);
    if (belay__watch_flag(handle)) {
        return true;
    }
    belay__lock_take(&watch_lock);
    watch_remove(watcher);
    belay__lock_drop(&watch_lock);
    return false;
}

bool belay__watch_end(belay__watcher *watcher, uint64_t deadline_ms) {
    belay__lock_take(&watch_lock);
    bool is_in_time = true;
    while (!watcher->is_done && is_in_time) {
        is_in_time = belay__signal_wait_until(&watch_signal, &watch_lock, deadline_ms);
    }
    watch_remove(watcher);
    bool is_done = watcher->is_done;
    belay__lock_drop(&watch_lock);
    return is_done;
}

void belay__watch_tell(uint64_t handle, belay_status status, int code) {
    belay__lock_take(&watch_lock);
    for (belay__watcher *at = watch_first; at != NULL; at = at->next) {
        if (at->handle == handle && !at->is_done) {
            at->status = status;
            at->code = code;
            at->is_done = true;
        }
    }
    void (*ended)(uint64_t, uint32_t, int) = watch_ended;
    belay__signal_wake(&watch_signal);
    belay__lock_drop(&watch_lock);
    if (ended != NULL) {
        ended(handle, (uint32_t)status, code);
    }
}

void belay__watch_fork(belay__fork_step step) {
    belay__fork_lock(&watch_lock, step);
    belay__fork_signal(&watch_signal, step);
    /* The others' watchers are on stacks that the child may use anew. */
    for (belay__watcher **at = &watch_first; step == BELAY__FORK_CHILD && *at != NULL;) {
        if ((*at)->thread == belay__identity_self()) {
            at = &(*at)->next;
        } else {
            *at = (*at)->next;
        }
    }
}
