/* SPDX-License-Identifier: MIT */
/* live.c - looking at objects without a right to keep them. */
#include "belay/handle.h"

#include "ledger.h"
#include "lender.h"
#include "rescue.h"
#include "site.h"
#include "table.h"

static uint32_t live_borrows(uint32_t index, uint64_t state) {
    uint32_t lent = (state & BELAY_STATE_LENT) ? belay__lender_loans(index) : 0;
    return belay__state_count(state) + lent;
}

/* Reads the object that a slot holds. False: none, or it changed meanwhile. */
static bool live_read(uint32_t index, belay_handle *out_handle, belay_info *out_info) {
    const belay__slot *slot = belay__table_slot(index);
    uint64_t state = belay__load(&slot->state);
    if (!(state & BELAY_STATE_LIVE)) {
        return false;
    }
    *out_handle = (belay_handle){(state & BELAY__GENERATION_MASK) | index};
    belay_info info = {.type = {belay__get_first(&slot->type)},
            .object = (const void *)(uintptr_t)belay__get_first(&slot->object),
            .size_bytes = belay__get_first(&slot->size_bytes),
            .age_ms = belay__age_ms(belay__get_first(&slot->opened_ms)),
            .parent = {belay__get_first(&slot->parent)},
            .borrow_count = live_borrows(index, state),
            .is_closed = (state & BELAY_STATE_CLOSED) != 0,
            .site = belay__site_text(belay__get_first(&slot->site))};
    if (!belay__state_is(belay__load(&slot->state), *out_handle)) {
        return false;
    }
    *out_info = info;
    return true;
}

int belay_peek(belay_handle handle, belay_info *out_info) {
    uint32_t index = belay__handle_index(handle);
    belay_handle found = {0};
    belay_info info;
    if (index < BELAY__GROUP_SLOTS || belay__table_slot(index) == NULL ||
            !live_read(index, &found, &info) || found.bits != handle.bits) {
        return 0;
    }
    *out_info = info;
    return 1;
}

void belay_live(belay_visit_fn visit, void *data) {
    uint32_t end = belay__table_end();
    for (uint32_t index = BELAY__GROUP_SLOTS; index < end; index++) {
        belay_handle handle = {0};
        belay_info info;
        if (!live_read(index, &handle, &info)) {
            continue;
        }
        if (!belay__rescue_may_name(index)) {
            handle.bits = 0;
            info.is_closed = 1;
        }
        if (visit(data, handle, &info) != 0) {
            return;
        }
    }
}
