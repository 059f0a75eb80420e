/* SPDX-License-Identifier: MIT */
#include "queue.h"

#include <stddef.h>

#include "account.h"
#include "fork.h"
#include "ledger.h"
#include "platform.h"
#include "report.h"
#include "rescue.h"
#include "table.h"

#define QUEUE_TICK_MS 100
#define QUEUE_IDLE_TICKS 100
#define QUEUE_WORD_SHIFT 12 /* a word of queue_dead: 64 groups of 64 slots */
#define QUEUE_WORDS         /* up to the end of the last segment */                      \
    (((BELAY__INDEX_MAX | (BELAY__SEGMENT_SLOTS - 1)) >> QUEUE_WORD_SHIFT) + 1)

/* What was found dead: a bit for each group that has some, and in group->dead the slots.
 * Claimed by an exchange with 0. So the worker goes through the slots in the order in
 * which they lie, however the collector found them: half the time of any other order. */
static uint64_t queue_dead[QUEUE_WORDS] = {0};
static uint32_t queue_open = 0; /* dead slots and parked objects not yet done with */

static belay__lock queue_lock = BELAY__LOCK_INIT;
static belay__signal queue_signal = BELAY__SIGNAL_INIT; /* there is work */
static belay__signal queue_quiet = BELAY__SIGNAL_INIT;  /* queue_open is 0 */
static uint32_t queue_resumed = 0; /* claimed objects, by cold.next; under the lock */
static uint32_t queue_is_sleeping = 0;
static uint32_t queue_has_worker = 0; /* under the lock */
static uint64_t queue_clock = 0;

uint64_t *belay__queue_clock(void) {
    return &queue_clock;
}

static void queue_done(uint32_t count) {
    uint32_t open = belay__load(&queue_open);
    uint32_t left = 0;
    do {
        /* Fewer: this thread had some in hand when it forked, from a destructor. */
        left = open > count ? open - count : 0;
    } while (!belay__cas(&queue_open, &open, left));
    if (left == 0) {
        belay__lock_take(&queue_lock);
        belay__signal_wake(&queue_quiet);
        belay__lock_drop(&queue_lock);
    }
}

void belay__queue_hold(void) {
    (void)belay__add(&queue_open, 1);
}

void belay__queue_unhold(void) {
    queue_done(1);
}

static uint32_t queue_take_resumed(void) {
    belay__lock_take(&queue_lock);
    uint32_t index = queue_resumed;
    if (index != 0) {
        queue_resumed = belay__table_cold(index)->next;
    }
    belay__lock_drop(&queue_lock);
    return index;
}

/* The first slot of the first of these groups. */
static uint32_t queue_first(uint32_t word, uint64_t groups) {
    return (word << QUEUE_WORD_SHIFT) +
           (uint32_t)__builtin_ctzll(groups) * BELAY__GROUP_SLOTS;
}

static uint32_t queue_words(void) {
    return (belay__table_end() + (1u << QUEUE_WORD_SHIFT) - 1) >> QUEUE_WORD_SHIFT;
}

bool belay__queue_run(void) {
    bool did_something = false;
    uint32_t index = 0;
    while ((index = queue_take_resumed()) != 0) {
        did_something = true;
        belay__rescue_claimed(index);
        queue_done(1);
    }
    belay__rescue rescue;
    belay__rescue_begin(&rescue);
    uint32_t words = queue_words();
    uint32_t count = 0;
    for (uint32_t word = 0; word < words; word++) {
        uint64_t groups =
                belay__load(&queue_dead[word]) ? belay__swap(&queue_dead[word], 0) : 0;
        uint32_t firsts[64];
        uint32_t found = 0;
        for (; groups != 0; groups &= groups - 1) {
            firsts[found++] = queue_first(word, groups);
        }
        count += belay__rescue_groups(&rescue, firsts, found);
    }
    belay__rescue_end(&rescue);
    if (count > 0) {
        queue_done(count);
    }
    return did_something || count > 0;
}

static uint64_t queue_opened(void) {
    uint64_t opened = 0;
    for (uint32_t type = 1; type <= belay_type_count(); type++) {
        const belay_ledger_counters *counters = belay__account_of(type);
        for (uint32_t i = 0; i < BELAY_LEDGER_SHARDS; i++) {
            opened += belay__load_relaxed(&counters->shards[i].opened);
        }
    }
    return opened;
}

/* Advances the clock; puts it to sleep when nothing was opened for a while. */
static void queue_tick(uint32_t *ticks, uint64_t *opened) {
    uint64_t shown = belay__load(&queue_clock);
    if (shown == 0) {
        return;
    }
    uint64_t now = belay__now_ms();
    belay__store(&belay__ledger_head()->now_ms, now);
    if (!belay__cas(&queue_clock, &shown, now)) {
        return; /* put to sleep meanwhile */
    }
    if (++*ticks % QUEUE_IDLE_TICKS == 0) {
        uint64_t seen = queue_opened();
        if (seen == *opened) {
            belay__store(&queue_clock, 0);
        }
        *opened = seen;
    }
}

static bool queue_has_dead(void) {
    uint32_t words = queue_words();
    uint32_t word = 0;
    while (word < words && belay__or(&queue_dead[word], 0) == 0) {
        word++;
    }
    return word < words;
}

static void *queue_worker(void *data) {
    (void)data;
    uint32_t ticks = 0;
    uint64_t opened = 0;
    for (;;) {
        while (belay__queue_run()) {
        }
        queue_tick(&ticks, &opened);
        bool is_holding = belay__report_is_holding();
        if (is_holding && ticks % 10 == 0) {
            belay_report_flush();
        }
        belay__lock_take(&queue_lock);
        /* Pairs with queue_wake: of the two, the later one sees the other. */
        (void)belay__swap(&queue_is_sleeping, 1);
        bool must_tick = is_holding || belay__or(&queue_clock, 0) != 0;
        bool has_work = queue_has_dead() || queue_resumed != 0;
        if (!has_work && must_tick) {
            (void)belay__signal_wait_until(
                    &queue_signal, &queue_lock, belay__now_ms() + QUEUE_TICK_MS);
            ticks += belay__load(&queue_clock) == 0;
        } else if (!has_work) {
            belay__signal_wait(&queue_signal, &queue_lock);
        }
        belay__store(&queue_is_sleeping, 0);
        belay__lock_drop(&queue_lock);
    }
    return NULL;
}

/* Makes sure that somebody looks. */
static void queue_wake(void) {
    if (belay__load(&queue_has_worker) && belay__or(&queue_is_sleeping, 0) == 0) {
        return;
    }
    belay__lock_take(&queue_lock);
    if (!queue_has_worker) {
        /* Without a thread the work stays queued; belay_drain and the next push try
         * again. */
        belay__store(&queue_has_worker, belay__thread_start(queue_worker, NULL));
    }
    belay__signal_wake(&queue_signal);
    belay__lock_drop(&queue_lock);
}

/* In the child there is no worker, and what other threads had in hand, or left on the
 * guards that they held, nobody will be done with. Dead slots that they had not come to
 * are there. */
static void queue_forked(void) {
    uint32_t open = 0;
    for (uint32_t first = 0; first < belay__table_end(); first += BELAY__GROUP_SLOTS) {
        uint64_t dead = belay__table_group(first)->dead;
        if (dead != 0) {
            open += (uint32_t)__builtin_popcountll(dead);
            queue_dead[first >> QUEUE_WORD_SHIFT] |= UINT64_C(1)
                                                     << (first / BELAY__GROUP_SLOTS) % 64;
        }
    }
    for (uint32_t at = queue_resumed; at != 0; at = belay__table_cold(at)->next) {
        open++;
    }
    queue_open = open;
    queue_has_worker = 0;
    queue_is_sleeping = 0;
    queue_clock = 0;
}

void belay__queue_fork(belay__fork_step step) {
    belay__fork_lock(&queue_lock, step);
    belay__fork_signal(&queue_signal, step);
    belay__fork_signal(&queue_quiet, step);
    if (step == BELAY__FORK_CHILD) {
        queue_forked();
    }
}

void belay__queue_clock_sleep(void) {
    belay__store(&queue_clock, 0);
}

uint64_t belay__queue_clock_wake(void) {
    uint64_t now = belay__now_ms();
    belay__ledger_goes_on();
    uint64_t asleep = 0;
    if (belay__cas(&queue_clock, &asleep, now)) {
        queue_wake();
    }
    return now;
}

void belay__queue_push(uint32_t first, uint32_t count) {
    uint64_t slots = ~UINT64_C(0) >> (BELAY__GROUP_SLOTS - count)
                                             << first % BELAY__GROUP_SLOTS;
    uint64_t group = UINT64_C(1) << (first / BELAY__GROUP_SLOTS) % 64;
    (void)belay__add(&queue_open, count);
    (void)belay__or(&belay__table_group(first)->dead, slots);
    (void)belay__or(&queue_dead[first >> QUEUE_WORD_SHIFT], group);
    queue_wake();
}

void belay__queue_resume(uint32_t first) {
    belay__lock_take(&queue_lock);
    uint32_t last = first;
    while (belay__table_cold(last)->next != 0) {
        last = belay__table_cold(last)->next;
    }
    belay__table_cold(last)->next = queue_resumed;
    queue_resumed = first;
    belay__lock_drop(&queue_lock);
    queue_wake();
}

bool belay__queue_wait(uint64_t deadline_ms) {
    /* Two threads at it would only get into each other's way; without a worker it is
     * ours. */
    while (!belay__load(&queue_has_worker) && belay__queue_run()) {
    }
    bool is_in_time = true;
    belay__lock_take(&queue_lock);
    while (belay__load(&queue_open) != 0 && is_in_time) {
        is_in_time = belay__signal_wait_until(&queue_quiet, &queue_lock, deadline_ms);
    }
    belay__lock_drop(&queue_lock);
    return belay__load(&queue_open) == 0;
}
