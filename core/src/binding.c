/* SPDX-License-Identifier: MIT */
#include "binding.h"

#include <stddef.h>

#include "account.h"
#include "end.h"
#include "fork.h"
#include "handle.h"
#include "ledger.h"
#include "queue.h"
#include "report.h"
#include "site.h"
#include "start.h"
#include "watch.h"

static uint64_t binding_identities = 0;    /* of threads, ever made */
static uint64_t binding_identity_left = 0; /* those up to it a fork left behind, */
static uint64_t binding_identity_kept = 0; /* but for this one */
static bool binding_has_hooks = false;

uint64_t belay__identity_self(void) {
    static __thread uint64_t mine = 0;
    if (mine == 0) {
        /* Never an address, so that a new thread is never taken for a dead one. */
        mine = (belay__add_relaxed(&binding_identities, 1) + 1) << 3;
    }
    return mine;
}

bool belay__identity_is_gone(uint64_t identity) {
    uint64_t thread = identity & ~BELAY__IDENTITY_WAITED;
    return thread != 0 && !(identity & BELAY__IDENTITY_FOREIGN) &&
           thread <= binding_identity_left && thread != binding_identity_kept;
}

/* The binding's language does not run in the child: nothing may call into it. */
void belay__binding_fork(belay__fork_step step) {
    if (step != BELAY__FORK_CHILD) {
        return;
    }
    binding_identity_kept = belay__identity_self();
    binding_identity_left = belay__load_relaxed(&binding_identities) << 3;
    if (binding_has_hooks) {
        belay__guard_hook(NULL);
        belay__watch_hook(NULL);
        belay_report_to(NULL, NULL);
    }
}

void belay__bind_hooks(const belay__hooks *hooks) {
    belay__start();
    binding_has_hooks = true;
    belay__guard_hook(hooks->guard_left);
    belay__watch_hook(hooks->ended);
}

uint32_t belay__bind_group_take(uint32_t kind, belay_status *out_status) {
    belay_status status = BELAY_OK;
    uint32_t first = belay__table_group_take(kind, &status);
    belay__ledger_tell_lost();
    if (status == BELAY_TABLE_FULL) {
        belay__report_table_full();
    }
    if (out_status != NULL) {
        *out_status = status;
    }
    return first;
}

uint32_t belay__bind_single_take(void) {
    return belay__table_single_take();
}

belay__slot *belay__bind_slot(uint32_t index) {
    return belay__table_slot(index);
}

belay__group *belay__bind_group(uint32_t index) {
    return belay__table_group(index);
}

belay_ledger_counters *belay__bind_counters(uint32_t type) {
    return belay__account_of(type);
}

uint64_t *belay__bind_clock(void) {
    return belay__queue_clock();
}

uint64_t belay__bind_clock_wake(void) {
    return belay__queue_clock_wake();
}

uint32_t *belay__bind_epoch(void) {
    return belay__account_epoch();
}

void belay__bind_dead(uint32_t first, uint32_t count) {
    belay__queue_push(first, count);
}

void belay__bind_flush(uint32_t type, uint32_t shard) {
    belay__account_flush(type, shard);
}

uint32_t belay__bind_site(const char *text, size_t length) {
    belay__start();
    return belay__site_intern(text, length);
}

const char *belay__bind_site_text(uint32_t site) {
    return belay__site_text(site);
}

belay_status belay__bind_own(uint32_t index, uint32_t type, void *object,
        uint64_t size_bytes, uint64_t parent, uint32_t site, uint64_t flags,
        uint64_t *out_handle) {
    belay_handle handle = {0};
    belay_status status = belay__handle_open(index, type, object, size_bytes,
            (belay_handle){parent}, site, flags, &handle);
    if (status == BELAY_OK) {
        *out_handle = handle.bits;
    }
    return status;
}

belay_status belay__bind_borrow(uint64_t handle, uint64_t identity, uint32_t site,
        void **out_object, uint32_t *out_guard) {
    belay__caller caller = {
            .identity = identity, .site = site, .wait = BELAY__GUARD_NOTE};
    belay_status status =
            belay__handle_borrow((belay_handle){handle}, &caller, out_object);
    *out_guard = caller.guard;
    return status;
}

belay_status belay__bind_return(
        uint64_t handle, uint64_t identity, uint32_t site, uint32_t *out_guard) {
    belay__caller caller = {
            .identity = identity, .site = site, .wait = BELAY__GUARD_NOTE};
    belay_status status = belay__handle_return((belay_handle){handle}, &caller);
    *out_guard = caller.guard;
    return status;
}

belay__lender *belay__bind_lenders(void) {
    return belay__lender_records();
}

uint32_t belay__bind_lend(
        uint32_t index, uint64_t ref, uint64_t identity, uint16_t *out_lender) {
    belay__caller caller = {.identity = identity, .wait = BELAY__GUARD_NOTE};
    return belay__handle_lend(index, ref, &caller, out_lender);
}

void belay__bind_settle_lent(
        uint64_t handle, uint32_t lender, uint64_t identity, uint32_t site) {
    belay__caller caller = {
            .identity = identity, .site = site, .wait = BELAY__GUARD_NOTE};
    belay__handle_settle((belay_handle){handle}, lender, &caller);
}

belay_status belay__bind_return_lent(
        uint64_t handle, uint32_t lender, uint64_t identity, uint32_t site) {
    belay__caller caller = {
            .identity = identity, .site = site, .wait = BELAY__GUARD_NOTE};
    return belay__handle_return_lent((belay_handle){handle}, lender, &caller);
}

belay_status belay__bind_close(uint64_t handle, uint64_t identity, uint32_t site,
        uint32_t watch, int *out_code, uint32_t *out_guard, uint32_t *out_ended) {
    belay__caller caller = {
            .identity = identity, .site = site, .wait = BELAY__GUARD_NOTE};
    bool is_done = watch && !belay__watch_flag((belay_handle){handle});
    belay_status status = BELAY_OK;
    if (!is_done) {
        status = belay__handle_close((belay_handle){handle}, &caller, out_code, &is_done);
        if (watch && status == BELAY_OK && !is_done &&
                belay__handle_is_inside((belay_handle){handle}, identity)) {
            status = BELAY_WOULD_DEADLOCK;
        }
    }
    *out_guard = caller.guard;
    *out_ended = is_done;
    return status;
}

belay_status belay__bind_disown(
        uint64_t handle, uint64_t identity, uint32_t site, void **out_object) {
    belay__caller caller = {
            .identity = identity, .site = site, .wait = BELAY__GUARD_NOTE};
    return belay__handle_disown((belay_handle){handle}, &caller, out_object);
}

belay_status belay__bind_settle(uint64_t handle, uint32_t site, int code) {
    uint32_t index = belay__handle_index((belay_handle){handle});
    const belay__type *type = belay__type_of(belay__table_slot(index));
    belay__ending ending = {
            .identity = belay__identity_self(), .site = site, .wait = BELAY__GUARD_WAIT};
    return belay__end_finish(index, belay__type_judge(type, code), code, &ending);
}

void belay__bind_misuse(
        uint32_t kind, uint64_t handle, uint32_t status, uint32_t used_site) {
    belay__report_misuse(
            (belay_report_kind)kind, (belay_status)status, handle, used_site);
}

uint32_t belay__bind_has_stderr_wish(void) {
    return belay__report_has_stderr_wish();
}
