/* SPDX-License-Identifier: MIT */
#include "belay/process.h"

#include <stddef.h>

#include "account.h"
#include "binding.h"
#include "end.h"
#include "family.h"
#include "fork.h"
#include "ledger.h"
#include "queue.h"
#include "report.h"
#include "rescue.h"
#include "start.h"

#define PROCESS_POLL_MS 5
#define PROCESS_STOP_MS 100 /* how late a stop may be noticed */

static belay__lock process_lock = BELAY__LOCK_INIT;
static belay__signal process_never = BELAY__SIGNAL_INIT;

static uint64_t process_deadline(uint64_t timeout_ms) {
    uint64_t now = belay__now_ms();
    return timeout_ms > UINT64_MAX - now ? UINT64_MAX : now + timeout_ms;
}

belay_status belay_drain(uint64_t timeout_ms) {
    belay__start();
    return belay__queue_wait(process_deadline(timeout_ms)) ? BELAY_OK : BELAY_TIMED_OUT;
}

/* Calls `act` for every live object; its result is summed. What the net has in hand
 * counts as closed. */
static uint64_t process_each(
        uint64_t (*act)(belay_handle handle, belay__slot *slot, uint64_t state)) {
    uint64_t sum = 0;
    uint32_t end = belay__table_end();
    for (uint32_t index = BELAY__GROUP_SLOTS; index < end; index++) {
        belay__slot *slot = belay__table_slot(index);
        if (!(belay__load(&slot->state) & BELAY_STATE_LIVE)) {
            continue;
        }
        bool is_taken = !belay__rescue_may_name(index);
        uint64_t state = belay__load(&slot->state); /* only now: it may not have been */
        if (state & BELAY_STATE_LIVE) {
            belay_handle handle = {(state & BELAY__GENERATION_MASK) | index};
            sum += act(handle, slot, is_taken ? state | BELAY_STATE_CLOSED : state);
        }
    }
    return sum;
}

static void process_report(
        belay_report_kind kind, belay_handle handle, const belay__slot *slot) {
    belay__report(&(belay__mistake){.kind = kind,
            .type = belay__type_of(slot)->id,
            .handle = handle.bits,
            .count = 1,
            .age_ms = belay__age_ms(belay__get(&slot->opened_ms)),
            .opened = belay__get(&slot->site)});
}

static uint64_t process_tell_leak(
        belay_handle handle, belay__slot *slot, uint64_t state) {
    /* An exchange: the net may have found it by now, and tells it itself. */
    if ((state & BELAY_STATE_CLOSED) ||
            belay__swap(&belay__table_cold(belay__handle_index(handle))->leak,
                    handle.bits) == handle.bits) {
        return 0;
    }
    process_report(BELAY_REPORT_LEAK, handle, slot);
    return 1;
}

static uint64_t process_close(belay_handle handle, belay__slot *slot, uint64_t state) {
    const belay__type *type = belay__type_of(slot);
    bool is_elsewhere =
            type->options.thread == BELAY_THREAD_PINNED &&
            belay__get(&belay__table_cold(belay__handle_index(handle))->thread) !=
                    belay__identity_self();
    if ((state & BELAY_STATE_CLOSED) || is_elsewhere ||
            !belay__family_close(handle, 0, &state)) {
        return 0;
    }
    belay__ending ending = {.identity = belay__identity_self(),
            .wait = BELAY__GUARD_PARK,
            .is_late = true};
    belay__end(handle, &ending);
    return 1;
}

/* Counts what can still end by itself: closed, and not waiting for this thread. */
static uint64_t process_count_closed(
        belay_handle handle, belay__slot *slot, uint64_t state) {
    (void)handle;
    (void)slot;
    return (state & BELAY_STATE_CLOSED) != 0;
}

static uint64_t process_tell_held(
        belay_handle handle, belay__slot *slot, uint64_t state) {
    (void)state;
    process_report(BELAY_REPORT_STILL_HELD, handle, slot);
    return 1;
}

/* True: waiting has no sense any more. */
static bool process_is_over(uint64_t deadline, const uint32_t *stop) {
    return belay__now_ms() >= deadline || (stop != NULL && belay__load(stop) != 0);
}

belay_status belay__bind_shutdown(
        uint64_t timeout_ms, const uint32_t *stop, belay_remains *out_remains) {
    belay__start();
    uint64_t deadline = process_deadline(timeout_ms);
    uint64_t look = 0;
    belay__rescue_tell_each(); /* before the wait: what runs now ends before it is over */
    do {
        look = belay__now_ms() + PROCESS_STOP_MS;
    } while (!belay__queue_wait(look < deadline ? look : deadline) &&
             !process_is_over(deadline, stop));
    belay_remains remains = {.leaked = process_each(process_tell_leak)};
    (void)process_each(process_close);
    /* Borrows end on other threads; nothing tells us, so look now and then. */
    while (process_each(process_count_closed) > 0 && !process_is_over(deadline, stop)) {
        belay__lock_take(&process_lock);
        (void)belay__signal_wait_until(
                &process_never, &process_lock, belay__now_ms() + PROCESS_POLL_MS);
        belay__lock_drop(&process_lock);
        (void)belay__queue_run();
    }
    belay__rescue_tell_all();
    remains.held = process_each(process_tell_held);
    belay_report_flush();
    belay__store(&belay__ledger_head()->now_ms, belay__now_ms());
    belay__store(&belay__ledger_head()->ended, 1);
    belay__queue_clock_sleep(); /* Go's next open wakes it and takes the mark away */
    if (out_remains != NULL) {
        *out_remains = remains;
    }
    return remains.held == 0 ? BELAY_OK : BELAY_TIMED_OUT;
}

belay_status belay_shutdown(uint64_t timeout_ms, belay_remains *out_remains) {
    return belay__bind_shutdown(timeout_ms, NULL, out_remains);
}

void belay__process_fork(belay__fork_step step) {
    belay__fork_lock(&process_lock, step);
    belay__fork_signal(&process_never, step);
}
