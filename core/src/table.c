/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stddef.h>

#include "account.h"
#include "fork.h"
#include "ledger.h"
#include "platform.h"

#define TABLE_SEGMENT_MAX ((BELAY__INDEX_MAX >> BELAY__SEGMENT_SHIFT) + 1)
#define TABLE_STRIPES 16
#define TABLE_GROUPS_PER_SEGMENT (BELAY__SEGMENT_SLOTS / BELAY__GROUP_SLOTS)

typedef struct table_segment {
    belay__slot *rows;
    belay__cold *cold;
    belay__group *groups;
} table_segment;

/* The core's own free slots; a thread keeps to one stripe. */
typedef struct table_stripe {
    belay__lock lock;
    uint32_t free; /* list through cold.next */
    uint32_t padding[5];
} table_stripe;

static table_segment table_segments[TABLE_SEGMENT_MAX] = {{0}};
static uint32_t table_segment_count =
        0; /* stored after the segment, loaded with acquire */

static belay__lock table_lock = BELAY__LOCK_INIT; /* the four below, and growing */
static uint32_t table_fresh = 0;                  /* first index never handed out */
static uint32_t table_free_groups = 0;  /* list through group.next, by first index */
static uint32_t table_free_singles = 0; /* list through cold.next */

static table_stripe table_stripes[TABLE_STRIPES] = {
        BELAY__TIMES_16({BELAY__LOCK_INIT, 0, {0}})};
static uint32_t table_stripes_made = 0;

belay__slot *belay__table_slot(uint32_t index) {
    uint32_t segment = index >> BELAY__SEGMENT_SHIFT;
    if (segment >= belay__load(&table_segment_count)) {
        return NULL;
    }
    return &table_segments[segment].rows[index & (BELAY__SEGMENT_SLOTS - 1)];
}

belay__cold *belay__table_cold(uint32_t index) {
    return &table_segments[index >> BELAY__SEGMENT_SHIFT]
                    .cold[index & (BELAY__SEGMENT_SLOTS - 1)];
}

belay__group *belay__table_group(uint32_t index) {
    uint32_t within = index & (BELAY__SEGMENT_SLOTS - 1);
    return &table_segments[index >> BELAY__SEGMENT_SHIFT]
                    .groups[within / BELAY__GROUP_SLOTS];
}

uint32_t belay__table_end(void) {
    return belay__load(&table_segment_count) << BELAY__SEGMENT_SHIFT;
}

/* Adds a segment. Under table_lock. */
static belay_status table_grow(void) {
    uint32_t segment = belay__load_relaxed(&table_segment_count);
    if (segment >= TABLE_SEGMENT_MAX) {
        return BELAY_TABLE_FULL;
    }
    table_segment *new = &table_segments[segment];
    size_t cold_bytes = BELAY__SEGMENT_SLOTS * sizeof(belay__cold);
    size_t group_bytes = TABLE_GROUPS_PER_SEGMENT * sizeof(belay__group);
    /* What an earlier failed attempt got is kept for the next one. */
    if (new->cold == NULL) {
        new->cold = belay__memory_private(cold_bytes);
    }
    if (new->groups == NULL) {
        new->groups = belay__memory_private(group_bytes);
    }
    if (new->cold == NULL || new->groups == NULL) {
        return BELAY_OUT_OF_MEMORY;
    }
    new->rows = belay__ledger_segment_add(BELAY_LEDGER_ROWS,
            segment << BELAY__SEGMENT_SHIFT, BELAY__SEGMENT_SLOTS, sizeof(belay__slot));
    if (new->rows == NULL) {
        return BELAY_OUT_OF_MEMORY;
    }
    belay__store(&table_segment_count, segment + 1);
    return BELAY_OK;
}

uint32_t belay__table_group_take(uint32_t kind, belay_status *out_status) {
    uint32_t first = 0;
    belay__lock_take(&table_lock);
    if (table_free_groups != 0) {
        first = table_free_groups;
        table_free_groups = belay__table_group(first)->next;
    } else {
        if (table_fresh == 0) {
            table_fresh =
                    BELAY__GROUP_SLOTS; /* index 0 is no handle: its group stays unused */
        }
        if (table_fresh + BELAY__GROUP_SLOTS - 1 > BELAY__INDEX_MAX) {
            *out_status = BELAY_TABLE_FULL;
            goto done;
        }
        if (table_fresh >= belay__table_end()) {
            *out_status = table_grow();
            if (*out_status != BELAY_OK) {
                goto done;
            }
        }
        first = table_fresh;
        table_fresh += BELAY__GROUP_SLOTS;
    }
    belay__group *group = belay__table_group(first);
    group->kind = kind;
    group->next = 0;
    group->local = 0;
    group->seen = 0;
    group->place = 0;
    belay__store(&group->orphans, 0);
    belay__store(&group->returned, 0);
done:
    belay__lock_drop(&table_lock);
    return first;
}

static table_stripe *table_stripe_mine(void) {
    static __thread uint32_t mine = 0;
    if (mine == 0) {
        mine = 1 + belay__add_relaxed(&table_stripes_made, 1) % BELAY__TABLE_STRIPES;
    }
    return &table_stripes[mine - 1];
}

uint32_t belay__table_take(belay_status *out_status) {
    table_stripe *stripe = table_stripe_mine();
    belay__lock_take(&stripe->lock);
    uint32_t index = stripe->free;
    if (index != 0) {
        stripe->free = belay__table_cold(index)->next;
    } else {
        index = belay__table_group_take(BELAY__GROUP_CORE, out_status);
        if (index != 0) {
            belay__table_group(index)->next = (uint32_t)(stripe - table_stripes);
            for (uint32_t i = BELAY__GROUP_SLOTS - 1; i > 0; i--) {
                belay__table_cold(index + i)->next = stripe->free;
                stripe->free = index + i;
            }
        }
    }
    belay__lock_drop(&stripe->lock);
    return index;
}

uint32_t belay__table_single_take(void) {
    belay__lock_take(&table_lock);
    uint32_t index = table_free_singles;
    if (index != 0) {
        table_free_singles = belay__table_cold(index)->next;
        belay__group *group = belay__table_group(index);
        (void)belay__and(&group->orphans, ~(UINT64_C(1) << (index % BELAY__GROUP_SLOTS)));
    }
    belay__lock_drop(&table_lock);
    return index;
}

/* Recycles a shared group whose slots are all free, once: `returned` goes to 0 by one
 * CAS. Under the lock that hands groups out, its net is looked at again: we may be so
 * late that the group has another one, which lives. */
static void table_recycle(belay__group *group, uint32_t first) {
    uint64_t all = ~UINT64_C(0);
    belay__lock_take(&table_lock);
    if (belay__load(&group->orphans) == all && belay__cas(&group->returned, &all, 0)) {
        group->next = table_free_groups;
        table_free_groups = first;
    }
    belay__lock_drop(&table_lock);
}

/* Claims free exact slots whose nets are dead: the one who clears a bit has the slot. The
 * nets are looked at again, as above. */
static void table_claim_singles(belay__group *group, uint32_t first, uint64_t slots) {
    belay__lock_take(&table_lock);
    slots &= belay__load(&group->orphans);
    slots &= belay__and(&group->returned, ~slots);
    for (; slots != 0; slots &= slots - 1) {
        uint32_t index = first + (uint32_t)__builtin_ctzll(slots);
        belay__table_cold(index)->next = table_free_singles;
        table_free_singles = index;
    }
    belay__lock_drop(&table_lock);
}

void belay__table_give(uint32_t index) {
    belay__group *group = belay__table_group(index);
    uint64_t bit = UINT64_C(1) << (index % BELAY__GROUP_SLOTS);
    uint32_t kind = group->kind; /* before the slot is back: the group may be recycled */
    if (kind == BELAY__GROUP_CORE) {
        /* Home, not to the closer's stripe: objects opened by one thread and closed by
         * another would move every slot over there, and the table would grow for ever. */
        table_stripe *stripe = &table_stripes[group->next];
        belay__lock_take(&stripe->lock);
        belay__table_cold(index)->next = stripe->free;
        stripe->free = index;
        belay__lock_drop(&stripe->lock);
        return;
    }
    /* Sequentially consistent with belay__table_orphan: of the two, the later one sees
     * both the returned slot and the dead net. */
    uint64_t returned = belay__or(&group->returned, bit) | bit;
    uint64_t orphans = belay__or(&group->orphans, 0);
    if ((orphans & bit) == 0) {
        return;
    }
    if (kind == BELAY__GROUP_EXACT) {
        table_claim_singles(group, index & ~(BELAY__GROUP_SLOTS - 1), bit);
    } else if (returned == ~UINT64_C(0)) {
        table_recycle(group, index & ~(BELAY__GROUP_SLOTS - 1));
    }
}

void belay__table_orphan(
        uint32_t first, uint64_t dead, uint64_t freed, belay__table_chain *whole) {
    belay__group *group = belay__table_group(first);
    if (group->kind == BELAY__GROUP_EXACT) {
        (void)belay__or(&group->orphans, dead);
        uint64_t free = (belay__or(&group->returned, freed) | freed) & dead;
        if (free != 0) {
            table_claim_singles(group, first, free);
        }
        return;
    }
    uint64_t local = group->local | freed; /* nobody has the group any more */
    group->local = 0;
    if (local == ~UINT64_C(0)) { /* and nobody will give back a slot of it */
        group->next = whole->first;
        whole->first = first;
        whole->last = whole->last == 0 ? first : whole->last;
        return;
    }
    (void)belay__or(&group->orphans, dead);
    if ((belay__or(&group->returned, local) | local) == ~UINT64_C(0)) {
        table_recycle(group, first);
    }
}

void belay__table_recycle(const belay__table_chain *whole) {
    if (whole->first == 0) {
        return;
    }
    belay__lock_take(&table_lock);
    belay__table_group(whole->last)->next = table_free_groups;
    table_free_groups = whole->first;
    belay__lock_drop(&table_lock);
}

void belay__table_fork(belay__fork_step step) {
    for (uint32_t i = 0; i < TABLE_STRIPES; i++) {
        belay__fork_lock(&table_stripes[i].lock, step);
    }
    belay__fork_lock(&table_lock, step);
}
