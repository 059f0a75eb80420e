/* SPDX-License-Identifier: MIT */
#include "rescue.h"

#include <stdlib.h>

#include "account.h"
#include "address.h"
#include "binding.h"
#include "end.h"
#include "family.h"
#include "fork.h"
#include "ledger.h"
#include "table.h"

#define RESCUE_AHEAD 24  /* slots to prefetch ahead */
#define RESCUE_HEADER 16 /* bytes that malloc keeps before a block */
#define RESCUE_BATCH 16u /* groups that are taken at once */
#define RESCUE_LATER 4u  /* groups to prefetch ahead, into a slower cache */

static uint32_t rescue_shutdowns = 0; /* that tell leaks */
static uint64_t rescue_runner = 0;    /* identity of the run that is_first; 0: none */
static uint32_t rescue_meeting = 0;   /* always: of two exchanges one is later */
static uint32_t rescue_named[BELAY_TYPE_MAX + 1] = {0}; /* 1: handles may be known */

/* Where the run goes next, to be fetched into the caches: slots as many as a group's. */
typedef struct rescue_route {
    const belay__slot *next;  /* of the next group, or this one */
    const belay__slot *later; /* of one some groups away, or the same as next */
} rescue_route;

void belay__rescue_tell_each(void) {
    (void)belay__add(&rescue_shutdowns, 1);
}

void belay__rescue_tell_all(void) {
    (void)belay__add(&rescue_shutdowns, UINT32_MAX); /* one less */
}

/* What a run of another thread had in hand is dead, and not yet done with. A run of this
 * thread goes on. */
static void rescue_forked(void) {
    if (rescue_runner == 0 || rescue_runner == belay__identity_self()) {
        return;
    }
    rescue_runner = 0;
    for (uint32_t first = 0; first < belay__table_end(); first += BELAY__GROUP_SLOTS) {
        belay__group *group = belay__table_group(first);
        if (group->taken != 0) {
            group->dead |= group->taken;
            group->taken = 0;
        }
    }
}

void belay__rescue_fork(belay__fork_step step) {
    if (step == BELAY__FORK_CHILD) {
        rescue_shutdowns = 0;
        rescue_forked();
    }
}

/* Whether the tight loop may come to an object which it has taken, as far as the type and
 * the flags tell that stay. */
static bool rescue_may_come_to(const belay__slot *slot) {
    uint64_t flags = BELAY_STATE_DYING | BELAY_STATE_KIN | BELAY_STATE_SLOW |
                     BELAY_STATE_TRACED | BELAY_STATE_WATCHED;
    return !(belay__load(&slot->state) & flags) && belay__type_of(slot)->is_plain;
}

bool belay__rescue_may_name(uint32_t index) {
    const belay__slot *slot = belay__table_slot(index);
    /* A row is shared memory: the type may be damaged. */
    uint32_t *named = &rescue_named[belay__get(&slot->type) % (BELAY_TYPE_MAX + 1)];
    if (!belay__load(named)) {
        belay__store(named, 1);
    }
    /* Pairs with the one in rescue_batch: of the two, the later one sees what the other
     * side stored before. */
    (void)belay__or(&rescue_meeting, 0);
    uint64_t taken = belay__load(&belay__table_group(index)->taken);
    bool is_taken = taken >> (index % BELAY__GROUP_SLOTS) & 1;
    return !is_taken || !rescue_may_come_to(slot);
}

void belay__rescue_begin(belay__rescue *rescue) {
    uint64_t nobody = 0;
    *rescue = (belay__rescue){
            .is_first = belay__cas(&rescue_runner, &nobody, belay__identity_self())};
}

static void rescue_tell(belay__rescue *rescue) {
    if (rescue->told.count == 0) {
        return;
    }
    belay__mistake told = rescue->told;
    (void)belay__add_relaxed(&belay__account_of(told.type)->rescued, told.count);
    belay__account_gone(told.type, told.count, rescue->told_bytes);
    rescue->told.count = 0;
    rescue->told_bytes = 0;
    belay__report(&told);
}

/* Begins to gather the rescues of this object's type and line. */
static void rescue_begin_line(belay__rescue *rescue, const belay__slot *slot) {
    rescue_tell(rescue);
    rescue->type = belay__type_of(slot);
    rescue->told = (belay__mistake){.kind = BELAY_REPORT_RESCUE,
            .type = rescue->type->id,
            .age_ms = belay__age_ms(belay__get(&slot->opened_ms)),
            .opened = belay__get(&slot->site)};
}

/* Of this type, and opened at this line. */
static bool rescue_is_of(const belay__slot *slot, uint32_t type, uint32_t site) {
    return ((belay__get(&slot->type) ^ type) | (belay__get(&slot->site) ^ site)) == 0;
}

static bool rescue_suits(const belay__rescue *rescue, const belay__slot *slot) {
    return rescue->type != NULL &&
           rescue_is_of(slot, rescue->told.type, rescue->told.opened);
}

static belay__ending rescue_ending(void) {
    return (belay__ending){.identity = belay__identity_self(),
            .wait = BELAY__GUARD_PARK,
            .is_late = true};
}

static void rescue_destroy_many(belay__rescue *rescue) {
    void *objects[BELAY_BATCH_MAX];
    int codes[BELAY_BATCH_MAX] = {0};
    size_t count = rescue->many_count;
    if (count == 0) {
        return;
    }
    belay__type *type = rescue->many_type;
    for (size_t i = 0; i < count; i++) {
        objects[i] = (void *)(uintptr_t)belay__get(
                &belay__table_slot(rescue->many[i])->object);
    }
    rescue->many_count = 0;
    type->options.destroy_many(type->options.context, objects, codes, count);
    for (size_t i = 0; i < count; i++) {
        belay__ending ending = rescue_ending();
        (void)belay__end_finish(
                rescue->many[i], belay__type_judge(type, codes[i]), codes[i], &ending);
    }
}

/* Open, and nothing else is known of it; and there is another generation. */
static bool rescue_is_idle(uint64_t state) {
    return (state & ~BELAY__GENERATION_MASK) == BELAY_STATE_LIVE &&
           state >> BELAY_STATE_GENERATION_SHIFT != BELAY__GENERATION_LAST;
}

/* The tight loop will not come to this one any more: it may be named. */
static void rescue_let_go(const belay__rescue *rescue, uint32_t index) {
    uint64_t *taken = &belay__table_group(index)->taken;
    if (rescue->is_first) {
        uint64_t slot = UINT64_C(1) << (index % BELAY__GROUP_SLOTS);
        belay__store(taken, belay__load_relaxed(taken) & ~slot);
    }
}

/* Ends an object that was found closed by the net: in a batch where its type has one. */
static void rescue_end_closed(
        belay__rescue *rescue, belay_handle handle, belay__type *type) {
    belay__ending ending = rescue_ending();
    if (type->is_slow || type->options.destroy_many == NULL) {
        belay__end(handle, &ending);
        return;
    }
    belay_handle child = {0};
    belay__family_step step = belay__end_advance(handle, ending.identity, &child);
    if (step == BELAY__STEP_DESCEND) {
        belay__end(child, &ending); /* and goes on with its parent when it is gone */
        return;
    }
    if (step != BELAY__STEP_CLAIMED) {
        return;
    }
    if (rescue->many_count > 0 && rescue->many_type != type) {
        rescue_destroy_many(rescue);
    }
    rescue->many_type = type;
    rescue->many[rescue->many_count++] = belay__handle_index(handle);
    if (rescue->many_count == BELAY_BATCH_MAX) {
        rescue_destroy_many(rescue);
    }
}

/* Handles one slot of a dead net. False: it is one for the tight loop, which is ready for
 * it. */
static bool rescue_slot(belay__rescue *rescue, belay__slot *slot, uint32_t index) {
    uint64_t state = belay__load(&slot->state);
    if (!(state & BELAY_STATE_LIVE) || (state & BELAY_STATE_CLOSED)) {
        rescue_let_go(rescue, index); /* who closed it may find it open again */
        return true;
    }
    belay_handle handle = {(state & BELAY__GENERATION_MASK) | index};
    belay__type *type = belay__type_of(slot);
    if (rescue->is_quick && type->is_plain && rescue_is_idle(state)) {
        if (!rescue_suits(rescue, slot)) {
            rescue_begin_line(rescue, slot);
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
    bool is_new = belay__family_close(handle, BELAY_STATE_NETTED, &state);
    rescue_let_go(rescue, index); /* only now: closed or taken, or a shutdown is over */
    if (is_new) {
        rescue_end_closed(rescue, handle, type);
    }
    return true;
}

/* Fetches what free() will read: the header before the block, the block's first words,
 * where glibc marks what it has cached as free, and the header behind the block. */
static void rescue_fetch(const belay__slot *slot) {
    uintptr_t object = (uintptr_t)belay__get(&slot->object);
    __builtin_prefetch((const void *)(object - RESCUE_HEADER), 1);
    __builtin_prefetch((const void *)object, 1);
    __builtin_prefetch((const void *)(object + belay__get(&slot->size_bytes)), 1);
}

/* The handle of the object that was last in a free slot. */
static uint64_t rescue_last_handle(uint32_t index) {
    uint64_t generation = belay__load(&belay__table_slot(index)->state);
    return (generation - (UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT)) | index;
}

/* Claims an object that the tight loop may have. False: it is not as it was any more. */
static bool rescue_claim(belay__slot *slot, uint64_t state, bool must_ask) {
    uint64_t claimed =
            state | BELAY_STATE_CLOSED | BELAY_STATE_DYING | BELAY_STATE_NETTED;
    if (must_ask) {
        return belay__cas(&slot->state, &state, claimed);
    }
    belay__store(&slot->state, claimed);
    return true;
}

/* The tight loop: destroys what suits the line, from the first of the slots `left` on.
 * The destructor and plain stores each, and an exchange if its handle may be known; slots
 * and objects were last touched long ago, so what comes next is fetched ahead. Returns
 * those that are left. */
static uint64_t rescue_run_plain(
        belay__rescue *rescue, uint32_t first, uint64_t left, const rescue_route *route) {
    belay__slot *slots = belay__table_slot(first);
    belay_destroy_fn destroy = rescue->type->options.destroy;
    void *context = rescue->type->options.context;
    uint32_t type = rescue->told.type;
    uint32_t site = rescue->told.opened;
    bool is_free = destroy == belay_destroy_free;
    bool is_dense = (left & (left + 1)) == 0; /* without gaps */
    bool must_ask = !rescue->is_first || belay__load(&rescue_named[type]) != 0;
    uint64_t freed = left;
    uint64_t bytes = 0;
    for (; left != 0; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(left);
        belay__slot *slot = &slots[i];
        uint64_t state = belay__load(&slot->state);
        __builtin_prefetch(&route->next[i], 1, 3);
        __builtin_prefetch(&route->later[i], 1, 2);
        if (!rescue_is_of(slot, type, site) || !rescue_is_idle(state) ||
                !rescue_claim(slot, state, must_ask)) {
            break;
        }
        void *object = (void *)(uintptr_t)belay__get(&slot->object);
        int code = 0;
        if (is_free) {
            if (is_dense) {
                uint32_t at = i + RESCUE_AHEAD;
                rescue_fetch(at < BELAY__GROUP_SLOTS
                                     ? &slots[at]
                                     : &route->next[at - BELAY__GROUP_SLOTS]);
            }
            free(object); /* not through the pointer: that is a third of the cost */
        } else if (destroy != NULL) {
            code = destroy(context, object);
        }
        if (code != 0) {
            freed &= ~(UINT64_C(1) << i);
            rescue_let_go(rescue, first + i);
            belay__ending ending = rescue_ending();
            (void)belay__end_finish(
                    first + i, belay__type_judge(rescue->type, code), code, &ending);
            continue;
        }
        bytes += belay__get(&slot->size_bytes);
        belay__put(&slot->object, 0);
        belay__put(&slot->epoch, 0);
        /* A store, not a swap: belay__watch_flag leaves an object alone that the net is
         * at. */
        belay__store(&slot->state,
                state - BELAY_STATE_LIVE + (UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT));
    }
    freed &= ~left;
    if (rescue->told.count == 0 && freed != 0) {
        /* Not one that refused before it. */
        rescue->told.handle =
                rescue_last_handle(first + (uint32_t)__builtin_ctzll(freed));
    }
    rescue->told.count += (uint64_t)__builtin_popcountll(freed);
    rescue->told_bytes += bytes;
    rescue->freed |= freed;
    return left;
}

static void rescue_group(
        belay__rescue *rescue, uint32_t first, uint64_t dead, const rescue_route *route) {
    belay__slot *slots = belay__table_slot(first);
    rescue->freed = 0;
    rescue->is_quick = belay__address_is_empty() && belay__load(&rescue_shutdowns) == 0;
    for (uint64_t left = dead; left != 0;) {
        uint32_t i = (uint32_t)__builtin_ctzll(left);
        if (rescue_slot(rescue, &slots[i], first + i)) {
            left &= left - 1;
        } else {
            left = rescue_run_plain(rescue, first, left, route);
        }
    }
}

/* Takes the dead slots of a group. */
static uint64_t rescue_take(const belay__rescue *rescue, uint32_t first) {
    belay__group *group = belay__table_group(first);
    uint64_t seen = belay__load(&group->dead);
    uint64_t dead = seen;
    if (rescue->is_first) {
        belay__store(
                &group->taken, seen); /* first: the child of a fork needs one of both */
    }
    if (group->kind == BELAY__GROUP_SHARED) {
        belay__store(&group->dead, 0); /* they die at once, and only once */
        return dead;
    }
    dead &= belay__and(
            &group->dead, ~seen); /* but for what another run was quicker with */
    if (rescue->is_first && dead != seen) {
        belay__store(&group->taken, dead);
    }
    return dead;
}

/* Fetches the record of a group, if there is one. */
static void rescue_fetch_group(uint32_t first) {
    if (first < belay__table_end()) {
        __builtin_prefetch(belay__table_group(first), 1);
    }
}

/* Handles `count` groups, of `ready` that will be: without an exchange for each, which
 * waits for all that is on its way from memory. */
static uint32_t rescue_batch(
        belay__rescue *rescue, const uint32_t *firsts, uint32_t count, uint32_t ready) {
    uint64_t dead[RESCUE_BATCH];
    uint32_t sum = 0;
    belay__table_chain whole = {0};
    for (uint32_t i = 0; i < count; i++) {
        rescue_fetch_group(firsts[i] + RESCUE_BATCH * BELAY__GROUP_SLOTS);
        dead[i] = rescue_take(rescue, firsts[i]);
        sum += (uint32_t)__builtin_popcountll(dead[i]);
    }
    /* Pairs with the one in belay__rescue_may_name. */
    (void)belay__or(&rescue_meeting, 0);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t next = i + 1 < ready ? i + 1 : i;
        uint32_t later = i + RESCUE_LATER < ready ? i + RESCUE_LATER : next;
        rescue_route route = {
                belay__table_slot(firsts[next]), belay__table_slot(firsts[later])};
        rescue_group(rescue, firsts[i], dead[i], &route);
        if (rescue->is_first) {
            belay__store(&belay__table_group(firsts[i])->taken, 0);
        }
        /* Only now: a recycled group must not be looked at as a dead one. */
        belay__table_orphan(firsts[i], dead[i], rescue->freed, &whole);
    }
    belay__table_recycle(&whole);
    return sum;
}

uint32_t belay__rescue_groups(
        belay__rescue *rescue, const uint32_t *firsts, uint32_t count) {
    uint32_t sum = 0;
    for (uint32_t at = 0; at < count; at += RESCUE_BATCH) {
        uint32_t ready = count - at;
        sum += rescue_batch(
                rescue, firsts + at, ready < RESCUE_BATCH ? ready : RESCUE_BATCH, ready);
    }
    return sum;
}

void belay__rescue_end(belay__rescue *rescue) {
    rescue_destroy_many(rescue);
    rescue_tell(rescue);
    if (rescue->is_first) {
        belay__store(&rescue_runner, 0);
    }
}

void belay__rescue_claimed(uint32_t index) {
    belay__ending ending = rescue_ending();
    belay__end_claimed(index, &ending);
}
