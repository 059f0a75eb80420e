/* SPDX-License-Identifier: MIT */
/* lender.c - one lock for all that is rare: granting, recalling, and what others return.
 *
 * The frequent half is in Go (lend.go); docs/internals/lending.md tells both. */
#include "lender.h"

#include "binding.h"
#include "fork.h"
#include "platform.h"

#define LENDER_ROW 4     /* times in a row that one asks until it is lent to */
#define LENDER_ASKERS 16 /* changes of who asks until it counts as shared */
#define LENDER_PROBES 8u /* records that a goroutine may have */
/* Loans that others give back until an object counts as shared. */
#define LENDER_FOREIGN_MAX 64

static belay__lock lender_lock = BELAY__LOCK_INIT;
static _Alignas(64) belay__lender lender_records[2 * BELAY__LENDERS] = {{0}};
static bool lender_is_ready = false; /* others can be fenced */
static bool lender_is_used = false;  /* a record is somebody's */
static bool lender_is_alone = false; /* the child of a fork: those do not run here */

/* Before there are threads: with them the system takes some ms for it. */
__attribute__((constructor)) static void lender_prepare(void) {
    lender_is_ready = belay__fence_prepare();
}

belay__lender *belay__lender_records(void) {
    return lender_records;
}

/* A free record of a goroutine, or one that is nobody's yet. NULL: none near where it
 * looks. */
static belay__lender *lender_find(uint64_t identity) {
    /* Double hashing: a record is never given up, and those of one goroutine must not
     * stand in the way of another's. */
    uint64_t hash = identity * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t at = (uint32_t)(hash >> 32);
    uint32_t stride = (uint32_t)(hash >> 16) | 1;
    for (uint32_t i = 0; i < LENDER_PROBES; i++) {
        belay__lender *record = &lender_records[(at + i * stride) % BELAY__LENDERS];
        if (record == lender_records) {
            continue;
        }
        uint64_t self = belay__get(&record->self);
        if (self == 0) {
            belay__put(&record->self, identity); /* seen by way of a state with LENT */
            lender_is_used = true;
            return record;
        }
        if (self == identity && record->status == BELAY__LENDER_FREE) {
            return record;
        }
    }
    return NULL;
}

/* Counts who asks. True: often enough in a row. Under the lock. */
static bool lender_count(belay__cold *cold, belay_handle handle, uint64_t identity) {
    uint32_t asker = (uint32_t)(identity ^ identity >> 32);
    if (cold->asked != handle.bits) {
        cold->asked = handle.bits;
        cold->askers = 0;
    } else if (cold->asker == asker) {
        return ++cold->row >= LENDER_ROW;
    }
    cold->asker = asker;
    cold->row = 1;
    if (++cold->askers > LENDER_ASKERS) {
        cold->row = BELAY__ROW_NEVER; /* as long as it may be lent, a borrow costs more */
    }
    return false;
}

/* Lends the object, if it is borrowed by the caller alone and as it was opened. Under the
 * lock. */
static belay__lending lender_grant(
        uint32_t index, uint64_t ref, uint64_t identity, uint16_t *out_lender) {
    belay__slot *slot = belay__table_slot(index);
    belay__cold *cold = belay__table_cold(index);
    uint64_t state = ref + 1;
    cold->row = 0;
    /* Again, for next to nothing: the program may have set up a filter since. */
    lender_is_ready = lender_is_ready && belay__fence_prepare();
    belay__lender *record = lender_is_ready ? lender_find(identity) : NULL;
    if (record == NULL || belay__load(&slot->state) != state) {
        return BELAY__LENDING_NOT_YET;
    }
    uint16_t number = (uint16_t)(record - lender_records);
    belay__put(&record->handle, (ref & BELAY__GENERATION_MASK) | index);
    belay__put(
            &record->lent, belay__get(&record->lent) + 1); /* the caller's is its own */
    record->status = BELAY__LENDER_LENT;
    belay__put(&cold->lender, number);
    belay__put(out_lender, number);
    /* Release, with the lender's load of the state: it then sees all of the above. */
    if (!belay__cas(&slot->state, &state, ref | BELAY_STATE_LENT)) {
        belay__put(&record->lent, belay__get(&record->lent) - 1);
        belay__put(&record->handle, 0);
        record->status = BELAY__LENDER_FREE;
        return BELAY__LENDING_NOT_YET;
    }
    /* Once only: who looked at the state, and slept while it was recalled and lent to
     * another, could not tell. */
    cold->row = BELAY__ROW_NEVER;
    return BELAY__LENDING_GRANTED;
}

belay__lending belay__lender_ask(
        uint32_t index, uint64_t ref, uint64_t identity, uint16_t *out_lender) {
    belay__slot *slot = belay__table_slot(index);
    belay__cold *cold = belay__table_cold(index);
    belay_handle handle = {(ref & BELAY__GENERATION_MASK) | index};
    uint64_t others = BELAY_STATE_BORROWS | BELAY_STATE_CLOSED | BELAY_STATE_DYING |
                      BELAY_STATE_SLOW | BELAY_STATE_WATCHED | BELAY_STATE_NETTED;
    bool is_lendable = lender_is_ready && !lender_is_alone && (ref & BELAY_STATE_LIVE) &&
                       !(ref & others);
    belay__lending lending = BELAY__LENDING_NEVER;
    belay__lock_take(&lender_lock);
    uint64_t state = belay__load(&slot->state);
    if (belay__state_is(state, handle) && (state & BELAY_STATE_LENT)) {
        lending = BELAY__LENDING_SHARED;
    } else if (!is_lendable ||
               (cold->asked == handle.bits && cold->row == BELAY__ROW_NEVER)) {
        /* Loans that are still out know their record. */
        uint64_t low = (ref >> BELAY_STATE_GENERATION_SHIFT) % BELAY__LENDERS;
        belay__put(out_lender, (uint16_t)(BELAY__LENDER_NEVER + low));
    } else {
        lending = BELAY__LENDING_NOT_YET;
        belay__put(out_lender, 0); /* it was of a former object */
        if (lender_count(cold, handle, identity)) {
            lending = lender_grant(index, ref, identity, out_lender);
        }
    }
    belay__lock_drop(&lender_lock);
    return lending;
}

/* True if all loans are back. Under the lock; acquires what their users did. */
static bool lender_is_idle(const belay__lender *record) {
    return belay__load(&record->lent) == belay__get(&record->foreign);
}

/* Nothing is owed any more: the caller gives the borrow back. Under the lock. */
static void lender_free(belay__lender *record) {
    belay__put(&record->handle, 0);
    record->status = BELAY__LENDER_FREE;
}

/* Makes the standing loan a counted borrow, which its lender's next look sees. Its
 * record, or NULL: none is lent. Under the lock. */
static belay__lender *lender_call_in(belay_handle handle) {
    uint32_t index = belay__handle_index(handle);
    belay__slot *slot = belay__table_slot(index);
    uint64_t state = belay__load(&slot->state);
    do {
        if (!belay__state_is(state, handle) || !(state & BELAY_STATE_LENT)) {
            return NULL;
        }
    } while (!belay__cas(&slot->state, &state, state - BELAY_STATE_LENT + 1));
    belay__lender *record =
            &lender_records[belay__get(&belay__table_cold(index)->lender)];
    record->status = BELAY__LENDER_RECALLED;
    return record;
}

bool belay__lender_recall(belay_handle handle, uint64_t identity) {
    belay__lock_take(&lender_lock);
    belay__lender *record = lender_call_in(handle);
    belay__lock_drop(&lender_lock);
    if (record == NULL) {
        return false;
    }
    /* Pairs with the lender's store of `lent` and load of the state: of that load and our
     * load of `lent` below, one sees what the other side stored. Refused, nobody but the
     * lender can tell when it is idle. */
    bool is_lender = belay__get(&record->self) == identity;
    bool is_fenced = is_lender || lender_is_alone || belay__fence_others();
    bool is_ours = false;
    belay__lock_take(&lender_lock);
    if (!is_fenced) {
        lender_is_ready = false;
    } else if (belay__get(&record->handle) ==
               handle.bits) { /* else its lender settled it */
        is_ours = lender_is_idle(record);
        if (is_ours) {
            lender_free(record);
        } else {
            record->status = BELAY__LENDER_OWED;
        }
    }
    belay__lock_drop(&lender_lock);
    return is_ours;
}

bool belay__lender_settle(uint32_t lender, belay_handle handle) {
    belay__lender *record = &lender_records[lender];
    belay__lock_take(&lender_lock);
    bool is_ours = belay__get(&record->handle) == handle.bits &&
                   record->status != BELAY__LENDER_LENT && lender_is_idle(record);
    if (is_ours) {
        lender_free(record);
    }
    belay__lock_drop(&lender_lock);
    return is_ours;
}

belay_status belay__lender_return(
        uint32_t lender, belay_handle handle, bool *out_is_last, bool *out_is_shared) {
    belay__lender *record = &lender_records[lender % BELAY__LENDERS];
    belay_status status = BELAY_NOT_BORROWED;
    *out_is_last = false;
    *out_is_shared = false;
    belay__lock_take(&lender_lock);
    if (belay__get(&record->handle) == handle.bits && !lender_is_idle(record)) {
        status = BELAY_OK;
        uint64_t foreign = belay__get(&record->foreign) + 1;
        belay__put(&record->foreign, foreign);
        *out_is_shared =
                record->status == BELAY__LENDER_LENT && foreign % LENDER_FOREIGN_MAX == 0;
        /* RECALLED: the lender may just be taking a loan, unseen before the fence. */
        *out_is_last = record->status == BELAY__LENDER_OWED && lender_is_idle(record);
        if (*out_is_last) {
            lender_free(record);
        }
    }
    belay__lock_drop(&lender_lock);
    return status;
}

uint32_t belay__lender_loans(uint32_t index) {
    const belay__lender *record =
            &lender_records[belay__get(&belay__table_cold(index)->lender)];
    uint64_t foreign = belay__get_first(&record->foreign);
    uint64_t lent = belay__get(&record->lent);
    return lent - foreign > UINT32_MAX ? 0 : (uint32_t)(lent - foreign);
}

void belay__lender_fork(belay__fork_step step) {
    belay__fork_lock(&lender_lock, step);
    if (step == BELAY__FORK_CHILD) {
        lender_is_alone = lender_is_used;
        lender_prepare();
    }
}
