/* SPDX-License-Identifier: MIT */
#include "account.h"

#include <stddef.h>
#include <string.h>

#include "fork.h"
#include "ledger.h"
#include "lock.h"

#define ACCOUNT_SEGMENT 32u
#define ACCOUNT_SEGMENTS ((BELAY_TYPE_MAX + 1) / ACCOUNT_SEGMENT)
#define ACCOUNT_CORE_SHARD 64u

static belay_ledger_counters *account_rows[ACCOUNT_SEGMENTS] = {0};
static uint32_t account_epoch = 1;
static uint32_t account_threads = 0;

static belay__lock account_lock = BELAY__LOCK_INIT;
static uint64_t account_total_bytes = 0;        /* of all types, as of their last flush */
static uint64_t account_threshold = UINT64_MAX; /* of the watch */
static belay_account_fn account_notify = NULL;
static void *account_notify_data = NULL;

/* What an object of the type's own size costs of its shard's credit. */
static uint64_t account_cost(const belay_ledger_counters *counters) {
    uint64_t size = counters->size_bytes;
    return (size < BELAY_CREDIT_BYTES ? size : BELAY_CREDIT_BYTES) +
           BELAY__ACCOUNT_OPERATION_BYTES;
}

/* Gives the shard credit for the objects after the first `opened`. */
static void account_credit(
        belay_ledger_counters *counters, uint32_t shard, uint64_t opened) {
    uint64_t count = BELAY_CREDIT_BYTES / account_cost(counters);
    belay__store_relaxed(
            &counters->shards[shard].look_at, opened + (count > 0 ? count : 1));
}

bool belay__account_add(uint32_t type, uint64_t size_bytes) {
    uint32_t segment = type / ACCOUNT_SEGMENT;
    if (account_rows[segment] == NULL) {
        account_rows[segment] = belay__ledger_segment_add(BELAY_LEDGER_COUNTERS,
                segment * ACCOUNT_SEGMENT, ACCOUNT_SEGMENT,
                sizeof(belay_ledger_counters));
    }
    if (account_rows[segment] == NULL) {
        return false;
    }
    belay_ledger_counters *counters = belay__account_of(type);
    counters->size_bytes = size_bytes;
    for (uint32_t i = 0; i < BELAY_LEDGER_SHARDS; i++) {
        account_credit(counters, i, 0);
    }
    return true;
}

belay_ledger_counters *belay__account_of(uint32_t type) {
    return &account_rows[type / ACCOUNT_SEGMENT][type % ACCOUNT_SEGMENT];
}

uint32_t *belay__account_epoch(void) {
    return &account_epoch;
}

uint32_t belay_epoch_advance(void) {
    return belay__add(&account_epoch, 1) + 1;
}

/* The shard of this thread. */
static uint32_t account_shard(void) {
    static __thread uint32_t mine = 0;
    if (mine == 0) {
        mine = ACCOUNT_CORE_SHARD + belay__add_relaxed(&account_threads, 1) %
                                            (BELAY_LEDGER_SHARDS - ACCOUNT_CORE_SHARD);
    }
    return mine;
}

/* Looks at the total when the shard's credit is used up. Only growth uses it: what goes
 * lowers neither a peak nor what the watch waits for, and the next look sees it. */
static void account_check(uint32_t type, uint32_t shard, uint64_t opened) {
    const belay_ledger_shard *counters = &belay__account_of(type)->shards[shard];
    if ((int64_t)(opened - belay__load_relaxed(&counters->look_at)) >= 0) {
        belay__account_flush(type, shard);
    }
}

/* Takes from the shard's credit what an object has beyond its type's size. */
static void account_charge(
        belay_ledger_counters *counters, uint32_t shard, uint64_t more_bytes) {
    uint64_t objects = more_bytes / account_cost(counters) + 1;
    (void)belay__add_relaxed(&counters->shards[shard].look_at, 0 - objects);
}

void belay__account_opened(uint32_t type, uint64_t size_bytes) {
    uint32_t shard = account_shard();
    belay_ledger_counters *counters = belay__account_of(type);
    uint64_t opened = belay__add_relaxed(&counters->shards[shard].opened, 1) + 1;
    if (size_bytes != counters->size_bytes) {
        uint64_t more = size_bytes - counters->size_bytes;
        (void)belay__add_relaxed(&counters->shards[shard].more_bytes, more);
        if (size_bytes > counters->size_bytes) {
            account_charge(counters, shard, more);
        }
    }
    account_check(type, shard, opened);
}

void belay__account_gone(uint32_t type, uint64_t count, uint64_t size_bytes) {
    belay_ledger_counters *counters = belay__account_of(type);
    belay_ledger_shard *shard = &counters->shards[account_shard()];
    (void)belay__add_relaxed(&shard->gone, count);
    if (size_bytes != count * counters->size_bytes) {
        (void)belay__add_relaxed(
                &shard->more_bytes, count * counters->size_bytes - size_bytes);
    }
}

void belay__account_resized(uint32_t type, uint64_t old_bytes, uint64_t new_bytes) {
    uint32_t shard = account_shard();
    belay_ledger_counters *counters = belay__account_of(type);
    (void)belay__add_relaxed(&counters->shards[shard].more_bytes, new_bytes - old_bytes);
    if (new_bytes > old_bytes) {
        account_charge(counters, shard, new_bytes - old_bytes);
        account_check(type, shard, belay__load_relaxed(&counters->shards[shard].opened));
    }
}

/* Sums the shards. A shard's `gone` is read before `opened`, so that the difference of an
 * object that moves meanwhile is not negative. */
static void account_sum(const belay_ledger_counters *counters, belay_stats *out) {
    uint64_t gone = 0;
    for (uint32_t i = 0; i < BELAY_LEDGER_SHARDS; i++) {
        gone += belay__load(&counters->shards[i].gone);
    }
    for (uint32_t i = 0; i < BELAY_LEDGER_SHARDS; i++) {
        out->opened += belay__load(&counters->shards[i].opened);
        out->live_bytes += belay__load(&counters->shards[i].more_bytes);
    }
    out->live = out->opened - gone;
    out->live_bytes += out->live * counters->size_bytes;
    if ((int64_t)out->live < 0) {
        out->live = 0;
    }
    if ((int64_t)out->live_bytes < 0) {
        out->live_bytes =
                0; /* a release was counted before its allocation: a moment only */
    }
    out->closed = gone;
}

static void account_raise(uint64_t *peak, uint64_t value) {
    uint64_t seen = belay__load_relaxed(peak);
    while (value > seen && !belay__cas(peak, &seen, value)) {
    }
}

/* Brings a type's part of the total up to date. Under the lock. */
static void account_look(uint32_t type) {
    belay_ledger_counters *counters = belay__account_of(type);
    belay_ledger_shard *shards = counters->shards;
    for (uint32_t i = 0; i < BELAY_LEDGER_SHARDS; i++) {
        uint64_t gone = belay__load(&shards[i].gone);
        uint64_t live = belay__load(&shards[i].opened) - gone;
        uint64_t bytes = belay__load(&shards[i].more_bytes) + live * counters->size_bytes;
        if (bytes != shards[i].counted) {
            account_total_bytes += bytes - shards[i].counted;
            shards[i].counted = bytes;
        }
    }
}

/* Whether the live bytes have reached the threshold. What other types closed since their
 * last look counts too: all are looked at before the answer is yes. Under the lock. */
static bool account_is_reached(void) {
    uint32_t count =
            (int64_t)account_total_bytes >= 0 && account_total_bytes >= account_threshold
                    ? belay_type_count()
                    : 0;
    for (uint32_t id = 1; id <= count; id++) {
        account_look(id);
    }
    return (int64_t)account_total_bytes >= 0 && account_total_bytes >= account_threshold;
}

void belay__account_flush(uint32_t type, uint32_t shard) {
    belay_ledger_counters *counters = belay__account_of(type);
    belay_stats sum = {0};
    account_sum(counters, &sum);
    account_raise(&counters->live_peak, sum.live);
    account_raise(&counters->bytes_peak, sum.live_bytes);

    belay_account_fn notify = NULL;
    void *data = NULL;
    belay__lock_take(&account_lock);
    account_credit(counters, shard, belay__load_relaxed(&counters->shards[shard].opened));
    account_look(type);
    bool is_reached = account_is_reached();
    uint64_t total = account_total_bytes;
    if (is_reached) {
        notify = account_notify;
        data = account_notify_data;
        account_threshold = UINT64_MAX;
    }
    belay__lock_drop(&account_lock);
    if (notify != NULL) {
        notify(data, total);
    }
}

void belay_account_watch(uint64_t threshold_bytes, belay_account_fn notify, void *data) {
    belay__lock_take(&account_lock);
    account_threshold = notify == NULL ? UINT64_MAX : threshold_bytes;
    account_notify = notify;
    account_notify_data = data;
    belay__lock_drop(&account_lock);
}

static void account_read(uint32_t type, belay_stats *out) {
    belay_ledger_counters *counters = belay__account_of(type);
    belay_stats one = {0};
    account_sum(counters, &one);
    account_raise(&counters->live_peak, one.live);
    account_raise(&counters->bytes_peak, one.live_bytes);
    one.rescued = belay__load(&counters->rescued);
    one.leaked = belay__load(&counters->leaked);
    one.disowned = belay__load(&counters->disowned);
    one.refused = belay__load(&counters->refused);
    one.failed = belay__load(&counters->failed);
    one.misused = belay__load(&counters->misused);
    one.live_peak = belay__load(&counters->live_peak);
    one.bytes_peak = belay__load(&counters->bytes_peak);
    uint64_t not_closed = one.rescued + one.leaked + one.disowned;
    one.closed = one.closed > not_closed ? one.closed - not_closed : 0;
    /* All fields are uint64_t: add them as such. */
    uint64_t *to = (uint64_t *)(void *)out;
    const uint64_t *from = (const uint64_t *)(const void *)&one;
    for (size_t i = 0; i < sizeof one / sizeof *from; i++) {
        to[i] += from[i];
    }
}

void belay_type_stats(belay_type type, belay_stats *out_stats) {
    belay_stats stats = {0};
    uint32_t count = belay_type_count();
    if (type.id == 0) {
        for (uint32_t id = 1; id <= count; id++) {
            account_read(id, &stats);
        }
    } else if (type.id <= count) {
        account_read(type.id, &stats);
    }
    *out_stats = stats;
}

void belay__account_fork(belay__fork_step step) {
    belay__fork_lock(&account_lock, step);
}
