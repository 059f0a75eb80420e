/* SPDX-License-Identifier: MIT */
/* slot.h - the slot of one object: its state word, its cold record, its group.
 *
 * The state table is in docs/internals/handle.md. */
#ifndef BELAY__SLOT_H
#define BELAY__SLOT_H

#include <stdint.h>

#include "belay/handle.h"
#include "belay/ledger.h"

#include "atomic.h"
#include "lock.h"

/* A build for tests narrows the generation, so that wrap-around happens. */
#ifndef BELAY__GENERATION_BITS
#define BELAY__GENERATION_BITS 40
#endif

#define BELAY__GENERATION_LAST ((UINT64_C(1) << BELAY__GENERATION_BITS) - 1)
#define BELAY__GENERATION_MASK (~((UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT) - 1))
#define BELAY__INDEX_MASK ((UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT) - 1)

#ifndef BELAY__SEGMENT_SHIFT
#define BELAY__SEGMENT_SHIFT 13
#endif
#define BELAY__SEGMENT_SLOTS (1u << BELAY__SEGMENT_SHIFT)
#define BELAY__GROUP_SLOTS 64u

typedef belay_ledger_row belay__slot;

/* Who hands out the slots of a group. */
enum {
    BELAY__GROUP_CORE = 0,   /* the core, to belay_own */
    BELAY__GROUP_SHARED = 1, /* Go, one net for the 64 */
    BELAY__GROUP_EXACT = 2   /* Go, one net a slot */
};

/* 64 slots in a row. The bits of `returned`, `local`, `orphans` and `dead` are slots, the
 * first is bit 0. Go's fast path reads and writes it. */
typedef struct belay__group {
    uint64_t returned; /* free slots given back; or-ed by any thread, claimed by clearing
                        */
    uint64_t local;    /* SHARED: free slots that the owner has; only it stores here */
    uint64_t orphans;  /* slots whose net is dead; all of them in a SHARED group */
    uint64_t dead;     /* the same, of nets that the queue has not come to yet */
    uint64_t taken;    /* the same, that the tight loop may come to (rescue.h) */
    uint32_t kind;     /* BELAY__GROUP_* */
    uint32_t next;     /* free list of groups; CORE: the stripe its slots go back to */
    uint32_t owner;    /* SHARED: the number of the stripe of Go's that has it */
    uint32_t seen;     /* SHARED, the owner's: the news when it last turned to it, */
    uint32_t reused;   /* how often it did since it was whole, */
    uint32_t place;    /* and where the stripe keeps it when it is not in use */
} belay__group;

/* What few objects need, beside the slot and private to the process. Made zero. */
typedef struct belay__cold {
    uint64_t owner;   /* of the guard: 0 or an identity | BELAY__IDENTITY_WAITED */
    uint64_t thread;  /* of a pinned object: the identity that opened it */
    uint64_t leak;    /* of whom a leak or a rescue was told: handle bits */
    uint32_t depth;   /* of the guard; its owner's */
    uint32_t foreign; /* goroutines parked for the guard; under the guard's lock */
    uint32_t pending; /* claimed objects that wait for the guard; likewise */
    uint32_t next; /* link: of a free list, or of `pending`, resumed, or pumped objects */
    uint64_t asked;  /* handle bits of the object that was last asked for (lender.h) */
    uint32_t asker;  /* who did, shortened */
    uint16_t row;    /* how often in a row; BELAY__ROW_NEVER */
    uint16_t lender; /* the record of a LENT object's lender */
    uint32_t askers; /* how often another one asked than before */
    uint32_t padding;
} belay__cold;

/* Of the core's free slots, at most 16; one where tests want a slot to be used again by
 * any thread. */
#ifndef BELAY__TABLE_STRIPES
#define BELAY__TABLE_STRIPES 16
#endif

/* Not set for a handle index; limits the table in tests. */
#ifndef BELAY__INDEX_MAX
#define BELAY__INDEX_MAX BELAY__INDEX_MASK
#endif

static inline uint32_t belay__handle_index(belay_handle handle) {
    return (uint32_t)(handle.bits & BELAY__INDEX_MASK);
}

static inline uint64_t belay__handle_generation(belay_handle handle) {
    return handle.bits & BELAY__GENERATION_MASK;
}

/* Not 0: in use. The number, but that a standing loan (lender.h) is a number of its own,
 * so that where 1 is asked for, it is no other's. */
static inline uint32_t belay__state_borrows(uint64_t state) {
    return (uint32_t)(state & BELAY_STATE_BORROWS);
}

/* The borrows that were counted one by one. */
static inline uint32_t belay__state_count(uint64_t state) {
    return (uint32_t)(state & BELAY_STATE_COUNT);
}

/* True if no more can be counted: a standing loan needs room to become one of them. */
static inline bool belay__state_is_full(uint64_t state) {
    return belay__state_count(state) + ((state & BELAY_STATE_LENT) != 0) ==
           BELAY_STATE_COUNT;
}

/* True if the state is the live object that the handle names. */
static inline bool belay__state_is(uint64_t state, belay_handle handle) {
    return ((state ^ handle.bits) & BELAY__GENERATION_MASK) == 0 &&
           (state & BELAY_STATE_LIVE);
}

#endif
