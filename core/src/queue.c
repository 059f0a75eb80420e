/* SPDX-License-Identifier: MIT */
#include "queue.h"

#include <stddef.h>
#include <stdlib.h>

#include "account.h"
#include "address.h"
#include "binding.h"
#include "end.h"
#include "family.h"
#include "fork.h"
#include "ledger.h"
#include "platform.h"
#include "report.h"

#define QUEUE_TICK_MS 100
#define QUEUE_IDLE_TICKS 100
#define QUEUE_WORD_SHIFT 12 /* a word of queue_dead: 64 groups of 64 slots */
#define QUEUE_WORDS         /* up to the end of the last segment */                      \
    (((BELAY__INDEX_MAX | (BELAY__SEGMENT_SLOTS - 1)) >> QUEUE_WORD_SHIFT) + 1)
#define QUEUE_AHEAD 24  /* slots to prefetch ahead */
#define QUEUE_HEADER 16 /* bytes that malloc keeps before a block */

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

/* What one run of the worker gathers before it goes through a lock or a crossing. */
typedef struct queue_batch {
    belay__mistake rescue;  /* equal rescues: type and site; count 0: none */
    uint64_t rescued_bytes; /* of theirs, not yet accounted */
    belay__type *many_type; /* claimed objects for one call of destroy_many */
    size_t many_count;
    uint32_t many[BELAY_BATCH_MAX];
    uint64_t freed;    /* slots of the net in hand that are free and not given back yet */
    belay__type *type; /* of the rescue; NULL: none yet */
    bool is_quick;     /* nothing is kept of single objects: the tight loop may be used */
} queue_batch;

uint64_t *belay__queue_clock(void) {
    return &queue_clock;
}

static void queue_batch_tell(queue_batch *batch) {
    if (batch->rescue.count == 0) {
        return;
    }
    belay__mistake rescue = batch->rescue;
    (void)belay__add_relaxed(&belay__account_of(rescue.type)->rescued, rescue.count);
    belay__account_gone(rescue.type, rescue.count, batch->rescued_bytes);
    batch->rescue.count = 0;
    batch->rescued_bytes = 0;
    belay__report(&rescue);
}

/* Begins to gather the rescues of this object's type and line. */
static void queue_batch_begin(queue_batch *batch, const belay__slot *slot) {
    queue_batch_tell(batch);
    batch->type = belay__type_of(slot);
    batch->rescue = (belay__mistake){.kind = BELAY_REPORT_RESCUE,
            .type = batch->type->id,
            .age_ms = belay__age_ms(belay__get(&slot->opened_ms)),
            .opened = belay__get(&slot->site)};
}

static bool queue_batch_suits(const queue_batch *batch, const belay__slot *slot) {
    return batch->type != NULL && batch->rescue.type == belay__get(&slot->type) &&
           batch->rescue.opened == belay__get(&slot->site);
}

static belay__ending queue_ending(void) {
    return (belay__ending){.identity = belay__identity_self(),
            .wait = BELAY__GUARD_PARK,
            .is_late = true};
}

static void queue_batch_destroy(queue_batch *batch) {
    void *objects[BELAY_BATCH_MAX];
    int codes[BELAY_BATCH_MAX] = {0};
    size_t count = batch->many_count;
    if (count == 0) {
        return;
    }
    belay__type *type = batch->many_type;
    for (size_t i = 0; i < count; i++) {
        objects[i] =
                (void *)(uintptr_t)belay__get(&belay__table_slot(batch->many[i])->object);
    }
    batch->many_count = 0;
    type->options.destroy_many(type->options.context, objects, codes, count);
    for (size_t i = 0; i < count; i++) {
        belay__ending ending = queue_ending();
        (void)belay__end_finish(
                batch->many[i], belay__type_judge(type, codes[i]), codes[i], &ending);
    }
}

/* Whether the tight loop may have an object: idle, and only its destructor to call. */
static bool queue_is_plain(
        const queue_batch *batch, uint64_t state, const belay__type *type) {
    uint64_t generation = state & BELAY__GENERATION_MASK;
    return state == (generation | BELAY_STATE_LIVE) &&
           generation >> BELAY_STATE_GENERATION_SHIFT != BELAY__GENERATION_LAST &&
           type->is_plain && batch->is_quick;
}

/* Ends an object that was found closed by the net: in a batch where its type has one. */
static void queue_end(queue_batch *batch, belay_handle handle, belay__type *type) {
    belay__ending ending = queue_ending();
    if (type->is_slow || type->options.destroy_many == NULL) {
        belay__end(handle, &ending);
        return;
    }
    belay_handle child = {0};
    belay__family_step step = belay__family_advance(handle, &child);
    if (step == BELAY__STEP_DESCEND) {
        belay__end(child, &ending); /* and goes on with its parent when it is gone */
        return;
    }
    if (step != BELAY__STEP_CLAIMED) {
        return;
    }
    if (batch->many_count > 0 && batch->many_type != type) {
        queue_batch_destroy(batch);
    }
    batch->many_type = type;
    batch->many[batch->many_count++] = belay__handle_index(handle);
    if (batch->many_count == BELAY_BATCH_MAX) {
        queue_batch_destroy(batch);
    }
}

/* Handles one slot of a dead net. False: it is one for the tight loop, which is ready for
 * it. */
static bool queue_rescue(queue_batch *batch, belay__slot *slot, uint32_t index) {
    uint64_t state = belay__load(&slot->state);
    if (!(state & BELAY_STATE_LIVE) || (state & BELAY_STATE_CLOSED)) {
        return true;
    }
    belay_handle handle = {(state & BELAY__GENERATION_MASK) | index};
    belay__type *type = belay__type_of(slot);
    if (queue_is_plain(batch, state, type)) {
        if (!queue_batch_suits(batch, slot)) {
            queue_batch_begin(batch, slot);
        }
        return false;
    }
    if (type->options.net == BELAY_NET_REPORT ||
            type->options.thread == BELAY_THREAD_PINNED) {
        belay__report(&(belay__mistake){.kind = BELAY_REPORT_FORGOTTEN,
                .type = type->id,
                .handle = handle.bits,
                .count = 1,
                .age_ms = belay__age_ms(belay__get(&slot->opened_ms)),
                .opened = belay__get(&slot->site)});
        return true;
    }
    if (belay__family_close(handle, BELAY_STATE_NETTED, &state)) {
        queue_end(batch, handle, type);
    }
    return true;
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

/* Fetches what free() will read: the header before the block and the one behind it. */
static void queue_fetch(const belay__slot *slot) {
    uintptr_t object = (uintptr_t)belay__get(&slot->object);
    __builtin_prefetch((const void *)(object - QUEUE_HEADER), 1);
    __builtin_prefetch((const void *)(object + belay__get(&slot->size_bytes)), 1);
}

/* The handle of the object that was last in a free slot. */
static uint64_t queue_last_handle(uint32_t index) {
    uint64_t generation = belay__load(&belay__table_slot(index)->state);
    return (generation - (UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT)) | index;
}

/* The tight loop: destroys what suits the batch, from the first of the slots `left` on.
 * One compare-and-swap, the destructor, and plain stores each; slots and objects were
 * last touched long ago, so what comes next is fetched ahead. Returns those that are
 * left. */
static uint64_t queue_destroy_plain(
        queue_batch *batch, uint32_t first, uint64_t left, const belay__slot *following) {
    belay__slot *slots = belay__table_slot(first);
    const belay_type_options *options = &batch->type->options;
    bool is_free = options->destroy == belay_destroy_free;
    bool is_dense = (left & (left + 1)) == 0; /* without gaps */
    uint64_t freed = 0;
    uint64_t bytes = 0;
    for (; left != 0; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(left);
        belay__slot *slot = &slots[i];
        uint64_t state = belay__load(&slot->state);
        uint64_t generation = state & BELAY__GENERATION_MASK;
        __builtin_prefetch(&following[i], 1);
        if (!queue_batch_suits(batch, slot) ||
                !queue_is_plain(batch, state, batch->type) ||
                !belay__cas(&slot->state, &state,
                        state | BELAY_STATE_CLOSED | BELAY_STATE_DYING |
                                BELAY_STATE_NETTED)) {
            break;
        }
        void *object = (void *)(uintptr_t)belay__get(&slot->object);
        int code = 0;
        if (is_free) {
            if (is_dense) {
                uint32_t at = i + QUEUE_AHEAD;
                queue_fetch(at < BELAY__GROUP_SLOTS
                                    ? &slots[at]
                                    : &following[at - BELAY__GROUP_SLOTS]);
            }
            free(object); /* not through the pointer: that is a third of the cost */
        } else if (options->destroy != NULL) {
            code = options->destroy(options->context, object);
        }
        if (code != 0) {
            belay__ending ending = queue_ending();
            (void)belay__end_finish(
                    first + i, belay__type_judge(batch->type, code), code, &ending);
            continue;
        }
        bytes += belay__get(&slot->size_bytes);
        belay__put(&slot->object, 0);
        belay__put(&slot->epoch, 0);
        /* A store, not a swap: belay__watch_flag leaves an object alone that the net is
         * at.
         */
        belay__store(
                &slot->state, generation + (UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT));
        freed |= UINT64_C(1) << i;
    }
    if (batch->rescue.count == 0 && freed != 0) {
        /* Not one that refused before it. */
        batch->rescue.handle =
                queue_last_handle(first + (uint32_t)__builtin_ctzll(freed));
    }
    batch->rescue.count += (uint64_t)__builtin_popcountll(freed);
    batch->rescued_bytes += bytes;
    batch->freed |= freed;
    return left;
}

/* Handles the dead slots of a group. following: the slots of the next such group, or of
 * this one. Returns how many were dead. */
static uint32_t queue_group(
        queue_batch *batch, uint32_t first, const belay__slot *following) {
    belay__slot *slots = belay__table_slot(first);
    uint64_t dead = belay__swap(&belay__table_group(first)->dead, 0);
    batch->freed = 0;
    for (uint64_t left = dead; left != 0;) {
        uint32_t i = (uint32_t)__builtin_ctzll(left);
        if (queue_rescue(batch, &slots[i], first + i)) {
            left &= left - 1;
        } else {
            left = queue_destroy_plain(batch, first, left, following);
        }
    }
    /* Only now: a recycled group must not be looked at as a dead one. */
    belay__table_orphan(first, dead, batch->freed);
    return (uint32_t)__builtin_popcountll(dead);
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
    queue_batch batch = {.is_quick = belay__address_is_empty()};
    uint32_t index = 0;
    while ((index = queue_take_resumed()) != 0) {
        did_something = true;
        belay__ending ending = queue_ending();
        belay__end_claimed(index, &ending);
        queue_done(1);
    }
    uint32_t words = queue_words();
    uint32_t count = 0;
    for (uint32_t word = 0; word < words; word++) {
        uint64_t groups =
                belay__load(&queue_dead[word]) ? belay__swap(&queue_dead[word], 0) : 0;
        while (groups != 0) {
            uint32_t first = queue_first(word, groups);
            groups &= groups - 1;
            count += queue_group(&batch, first,
                    belay__table_slot(groups ? queue_first(word, groups) : first));
        }
    }
    queue_batch_destroy(&batch);
    queue_batch_tell(&batch);
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
