/* SPDX-License-Identifier: MIT */
/* net_scenarios.c - what is explored of dead nets, their slots, and the worker. */
#include "item.h"
#include "rescue.h"
#include "scenarios.h"
#include "steps.h"

static const belay_type_options plain = {0};
static uint32_t slot;
static bool was_recycled;

static void bound(belay_type_options options, int count, bool is_family) {
    belay_type type = item_type(options);
    slot = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    for (int i = 0; i < count; i++) {
        item_bind(i, type, slot + (uint32_t)i, is_family && i > 0 ? 0 : -1);
    }
}

static void bound_one(void) {
    bound(plain, 1, false);
}

/* Looks through the live objects for item 0's handle. A thread of a scenario with a net
 * has it from here, or it is known since the setup: the net must hear of it. */
static int found(void *data, belay_handle handle, const belay_info *info) {
    if (handle.bits == items[0].handle.bits) {
        /* Just gone, it has none. */
        require(info->object == &items[0] || info->object == NULL);
        *(belay_handle *)data = handle;
    }
    return handle.bits == items[0].handle.bits;
}

static bool find_0(void) {
    belay_handle handle = {0};
    belay_live(found, &handle);
    return handle.bits != 0;
}

static void find_and_use_0(void) {
    if (find_0()) {
        (void)item_use(0);
    }
}

/* The same for that slot alone, in fewer steps. */
static bool ask_for_0(void) {
    uint32_t index = belay__handle_index(items[0].handle);
    return belay__state_is(
                   belay__load(&belay__table_slot(index)->state), items[0].handle) &&
           belay__rescue_may_name(index);
}

static void ask_and_use_0(void) {
    if (ask_for_0()) {
        (void)item_use(0);
    }
}

static void ask_and_close_0(void) {
    if (ask_for_0()) {
        item_close(0, BELAY_OK);
    }
}

static void ask_and_disown_0(void) {
    void *object = NULL;
    if (ask_for_0() && belay_disown(items[0].handle, &object) == BELAY_OK) {
        require(items[0].destroyed == 0 && !items[0].is_dying);
        items[0].destroyed = 1; /* by us */
    }
}

static void bound_one_known(void) {
    bound_one();
    require(find_0());
}

static void hear(void *data, const belay_report *report) {
    require(report->handle.bits == items[0].handle.bits);
    *(int *)data += 1;
}

/* Known by the report that it refused. */
static void bound_one_reported(void) {
    int heard = 0;
    belay_level_set(BELAY_LEVEL_SAMPLED);
    belay_report_to(hear, &heard);
    bound_one();
    items[0].refusals = 1;
    item_close(0, BELAY_REFUSED);
    require(heard == 1);
    belay_report_to(NULL, NULL);
    belay_level_set(BELAY_LEVEL_OFF);
}

static void bound_one_lent(void) {
    bound_one_known();
    setup_borrow(0);
}

static void bound_two(void) {
    bound(plain, 2, false);
}

static void bound_family(void) {
    bound(plain, 3, true);
}

static void forget_0(void) {
    belay__bind_dead(slot, 1);
}

static void forget_1(void) {
    belay__bind_dead(slot + 1, 1);
}

static void forget_2(void) {
    belay__bind_dead(slot + 2, 1);
}

static void run_queue(void) {
    (void)belay__queue_run();
}

static void forget_0_and_run(void) {
    forget_0();
    run_queue();
}

static void forget_1_and_run(void) {
    forget_1();
    run_queue();
}

/* The slot of a dead net comes back once. */
static void back_once(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t got = belay__bind_single_take();
        require(got >= slot && got < slot + count);
    }
    require(belay__bind_single_take() == 0);
}

static void forgotten_1_check(void) {
    item_require_gone(1);
    back_once(1);
}

static void forgotten_2_check(void) {
    item_require_gone(2);
    back_once(2);
}

static void forgotten_3_check(void) {
    item_require_gone(3);
    back_once(3);
}

/* The parent's net took the children with it; theirs die later. */
static void family_net_check(void) {
    while (belay__queue_run()) {
    }
    forget_1();
    forget_2();
    forgotten_3_check();
}

/* Before anything else runs the queue: the sleeping worker has seen every push. */
static void worker_saw_all(void) {
    require(!belay__queue_run());
}

static void worker_1_check(void) {
    worker_saw_all();
    forgotten_1_check();
}

static void worker_2_check(void) {
    worker_saw_all();
    forgotten_2_check();
}

static void worker_3_check(void) {
    worker_saw_all();
    forgotten_3_check();
}

static void wake_clock(void) {
    (void)belay__bind_clock_wake();
}

/* The worker ticked until it put the idle clock to sleep: it did not fall asleep first.
 */
static void clock_ran_check(void) {
    require(*belay__bind_clock() == 0);
    worker_1_check();
}

static void forget_0_and_drain(void) {
    forget_0();
    require(belay_drain(UINT64_MAX) == BELAY_OK);
    require(items[0].destroyed == 1);
}

static void drain(void) {
    (void)belay_drain(UINT64_MAX);
}

static void bound_domain(void) {
    bound((belay_type_options){.guard = BELAY_GUARD_DOMAIN,
                  .destroy = item_destroy_alone},
            2, true);
}

static void parked_check(void) {
    worker_saw_all();
    require(items[1].destroyed == 1);
    item_close(0, BELAY_OK);
    forget_0();
    item_require_gone(2);
    back_once(2);
}

static void shared_group_of_one(void) {
    belay_type type = item_type(plain);
    slot = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    for (uint32_t i = 1; i < BELAY__GROUP_SLOTS; i++) {
        items[1] = (item){0};
        item_bind(1, type, slot + i, -1);
        item_close(1, BELAY_OK);
    }
    items[1] = (item){0};
    item_bind(0, type, slot, -1);
    require(find_0());
    setup_borrow(0);
}

static void forget_group(void) {
    belay__bind_dead(slot, BELAY__GROUP_SLOTS);
    run_queue();
}

static void group_check(void) {
    item_require_gone(1);
    require(belay__bind_group_take(BELAY__GROUP_SHARED, NULL) == slot);
    require(belay__bind_group_take(BELAY__GROUP_SHARED, NULL) != slot);
}

/* What was recycled serves a new net, all of whose slots come back: they are that net's,
 * whatever a thread that gave the last slot of the old one is still about to do. */
static void forget_group_and_use_again(void) {
    forget_group();
    was_recycled = belay__bind_group_take(BELAY__GROUP_SHARED, NULL) == slot;
    if (was_recycled) {
        (void)belay__or(&belay__bind_group(slot)->returned, ~UINT64_C(0));
    }
}

static void group_again_check(void) {
    item_require_gone(1);
    require((belay__bind_group_take(BELAY__GROUP_SHARED, NULL) == slot) != was_recycled);
}

static void forget_0_and_use_again(void) {
    forget_0();
    run_queue();
    was_recycled = belay__bind_single_take() == slot;
    if (was_recycled) {
        (void)belay__or(&belay__bind_group(slot)->returned, 1); /* the first of 64 */
    }
}

static void single_again_check(void) {
    item_require_gone(1);
    require((belay__bind_single_take() == slot) != was_recycled);
}

const explorer_scenario net_scenarios[] = {
        {"close, net", bound_one_known, {close_0, forget_0, run_queue}, forgotten_1_check,
                false, 3},
        {"return, net", bound_one_lent, {return_0, forget_0, run_queue},
                forgotten_1_check, false, 3},
        {"use, net", bound_one_known, {use_0, forget_0, run_queue}, forgotten_1_check,
                false, 3},
        {"found in a report and used, net", bound_one_reported,
                {use_0, forget_0, run_queue}, forgotten_1_check, false, 3},
        {"found and used, net", bound_one, {find_and_use_0, forget_0, run_queue},
                forgotten_1_check, false, 2},
        {"found and closed, net", bound_one, {ask_and_close_0, forget_0, run_queue},
                forgotten_1_check, false, 3},
        {"found and disowned, net", bound_one, {ask_and_disown_0, forget_0, run_queue},
                forgotten_1_check, false, 3},
        {"found and used, two nets, two workers", bound_two,
                {forget_0_and_run, forget_1_and_run, ask_and_use_0}, forgotten_2_check,
                false, 2},
        {"close_wait, net", bound_one_known, {close_wait_0, forget_0, run_queue},
                forgotten_1_check, false, 3},
        {"two nets, two workers", bound_two, {forget_0, forget_1, run_queue, run_queue},
                forgotten_2_check, false, 2},
        {"family of nets", bound_family, {forget_0, forget_1, run_queue, forget_2},
                forgotten_3_check, false, 2},
        {"net of a family, child used", bound_family, {forget_0, use_1, run_queue},
                family_net_check, false, 3},
        {"push, worker", bound_one, {forget_0}, worker_1_check, true, 0},
        {"two pushes, worker", bound_two, {forget_0, forget_1}, worker_2_check, true, 0},
        {"three pushes, worker", bound_family, {forget_2, forget_1, forget_0},
                worker_3_check, true, 2},
        {"push and drain, worker", bound_one, {forget_0_and_drain}, worker_1_check, true,
                0},
        {"push, drain, worker", bound_one, {forget_0, drain}, worker_1_check, true, 0},
        {"clock woken, worker", bound_one, {forget_0, wake_clock}, clock_ran_check, true,
                2},
        {"net parked on a guard", bound_domain, {use_alone_0, forget_1}, parked_check,
                true, 3},
        {"group orphaned, last return", shared_group_of_one, {forget_group, return_0},
                group_check, false, 0},
        {"group orphaned, last close", shared_group_of_one,
                {forget_group, close_0, return_0}, group_check, false, 2},
        {"group orphaned and used again, last return", shared_group_of_one,
                {forget_group_and_use_again, return_0}, group_again_check, false, 0},
        {"net dead and its slot used again, last return", bound_one_lent,
                {forget_0_and_use_again, return_0}, single_again_check, false, 0},
};
const int net_scenario_count = (int)(sizeof net_scenarios / sizeof *net_scenarios);
