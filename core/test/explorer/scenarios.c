/* SPDX-License-Identifier: MIT */
/* scenarios.c - what is explored: one object, families, guards. */
#include "scenarios.h"

#include "foreign.h"
#include "item.h"
#include "platform.h"
#include "steps.h"

static const belay_type_options plain = {0};
static const belay_type_options hold = {.children = BELAY_CHILDREN_HOLD};

static belay_status statuses[4];
static belay_handle born;

static void one(void) {
    item_own(0, item_type(plain), -1);
}

static void one_lent(void) {
    one();
    setup_borrow(0);
}

/* Stale handles: the slot may have another object by now, which must not be lent. */
static void close_and_own_again(void) {
    item_close(0, BELAY_OK);
    belay_type type = {1};
    require(belay_own(type, &items[1], NULL, &items[1].handle) == BELAY_OK);
}

static void reuse_check(void) {
    require(items[1].destroyed == 0);
    require(items[0].handle.bits != items[1].handle.bits);
    item_close(1, BELAY_OK);
    item_require_gone(2);
}

/* One before the slot is retired: in this build generations have few bits. */
static void one_of_the_last_generation(void) {
    one();
    while (belay__handle_generation(items[0].handle) >> BELAY_STATE_GENERATION_SHIFT <
            BELAY__GENERATION_LAST - 1) {
        item_close(0, BELAY_OK);
        items[0] = (item){0};
        item_own(0, (belay_type){1}, -1);
    }
}

static void close_and_own_twice(void) {
    close_and_own_again();
    item_close(1, BELAY_OK);
    require(belay_own((belay_type){1}, &items[2], NULL, &items[2].handle) == BELAY_OK);
    /* Unless a late return gave the slot back after the first of the two. */
    if (belay__handle_index(items[1].handle) == belay__handle_index(items[0].handle)) {
        require(belay__handle_index(items[2].handle) !=
                belay__handle_index(items[0].handle));
    }
}

static void reuse_twice_check(void) {
    item_close(2, BELAY_OK);
    item_require_gone(3);
}

/* A destructor that refuses once. */
static void one_refusing(void) {
    one();
    items[0].refusals = 1;
}

static void close_0_note(void) {
    statuses[0] = item_close(0, BELAY_REFUSED);
}

static void close_0_note_too(void) {
    statuses[1] = item_close(0, BELAY_REFUSED);
}

static void refuse_check(void) {
    int refused = (statuses[0] == BELAY_REFUSED) + (statuses[1] == BELAY_REFUSED);
    require(refused == 1);
    require(items[0].destroyed == 1 || item_use(0));
    item_close(0, BELAY_OK);
    item_require_gone(1);
}

static void one_lent_refusing(void) {
    one_refusing();
    setup_borrow(0);
}

static void close_wait_0_refused(void) {
    int code = 0;
    require(belay_close_wait(items[0].handle, UINT64_MAX, &code) == BELAY_REFUSED);
    require(code == 5);
    require(items[0].destroyed == 0 && item_use(0));
}

/* It hears of a refusal, whoever asked; or it comes later and closes by itself. */
static void close_wait_0_again(void) {
    statuses[0] = belay_close_wait(items[0].handle, UINT64_MAX, NULL);
    require(statuses[0] == BELAY_REFUSED || statuses[0] == BELAY_OK);
}

static void close_0_of_3_check(void) {
    item_close(0, BELAY_OK);
    gone_3();
}

static void refused_check(void) {
    require(items[0].refusals == 0);
    item_close(0, BELAY_OK);
    item_require_gone(1);
}

/* Disown: either the caller gets the object, or it is destroyed. */
static void disown_0(void) {
    void *object = NULL;
    statuses[0] = belay_disown(items[0].handle, &object);
    require(statuses[0] == BELAY_OK || statuses[0] == BELAY_CLOSED ||
            statuses[0] == BELAY_BUSY);
    require(object == (statuses[0] == BELAY_OK ? &items[0] : NULL));
}

static void disown_check(void) {
    require(items[0].destroyed == (statuses[0] != BELAY_OK));
    items[0].destroyed = 1;
    item_require_gone(1);
}

/* As above, without a close: busy means still open. */
static void disown_use_check(void) {
    if (statuses[0] != BELAY_OK) {
        item_close(0, BELAY_OK);
    }
    disown_check();
}

static void resize_0(void) {
    statuses[0] = belay_resize(items[0].handle, 1000);
    require(statuses[0] == BELAY_OK || statuses[0] == BELAY_CLOSED ||
            statuses[0] == BELAY_WRONG_THREAD);
}

static void bytes_check(void) {
    belay_stats stats;
    item_require_gone(1);
    belay_type_stats((belay_type){0}, &stats);
    require(stats.live_bytes == 0);
}

/* Families. */
static void family(const belay_type_options *options, int busy, int refusing) {
    belay_type type = item_type(*options);
    item_own(0, type, -1);
    item_own(1, type, 0);
    item_own(2, type, 0);
    if (busy >= 0) {
        setup_borrow(busy);
    }
    if (refusing >= 0) {
        items[refusing].refusals = 1;
    }
}

static void family_plain(void) {
    family(&plain, -1, -1);
}

static void family_busy(void) {
    family(&plain, 1, -1);
}

static void family_hold(void) {
    family(&hold, -1, -1);
}

static void family_refusing(void) {
    family(&plain, 1, 1);
}

static void parent_and_child(void) {
    belay_type type = item_type(plain);
    item_own(0, type, -1);
    item_own(1, type, 0);
}

static void parent_lent_and_child(void) {
    parent_and_child();
    setup_borrow(0);
}

static void three_generations_busy(void) {
    belay_type type = item_type(plain);
    item_own(0, type, -1);
    item_own(1, type, 0);
    item_own(2, type, 1);
    setup_borrow(2);
}

static void own_below_0(void) {
    belay_own_options options = {.size = sizeof options, .parent = items[0].handle};
    /* Counted before: the parent must not be destroyed between here and there. */
    belay_status status = belay_own((belay_type){1}, &items[1], &options, &born);
    require(status == BELAY_OK || status == BELAY_CLOSED);
    statuses[0] = status;
}

static void own_below_check(void) {
    require(items[1].destroyed == (statuses[0] == BELAY_OK));
    if (statuses[0] == BELAY_OK) {
        require(items[1].order < items[0].order);
    }
    items[1].destroyed = 0;
    item_require_gone(1);
}

/* The library call in progress makes a child: that works even if the parent is closed. */
static void use_0_and_own_below(void) {
    void *object = NULL;
    statuses[0] = belay_borrow(items[0].handle, &object);
    if (statuses[0] == BELAY_OK) {
        items[0].lent++;
        own_below_0();
        require(statuses[0] == BELAY_OK);
        items[0].lent--;
        require(belay_return(items[0].handle) == BELAY_OK);
    }
}

static void disown_1(void) {
    void *object = NULL;
    statuses[0] = belay_disown(items[1].handle, &object);
    require(statuses[0] == BELAY_OK || statuses[0] == BELAY_CLOSED);
    if (statuses[0] == BELAY_OK) {
        require(items[1].destroyed == 0 && !items[1].is_dying);
    }
}

/* A disowned child is the caller's: the parent does not wait for it. */
static void family_disowning(void) {
    parent_and_child();
    items[1].parent = NULL;
    items[0].children = 0;
}

static void disown_child_check(void) {
    require(items[1].destroyed == (statuses[0] != BELAY_OK));
    items[1].destroyed = 1;
    item_require_gone(2);
}

static void refusing_family_check(void) {
    require(items[1].refusals == 0);
    require(item_use(1) && item_use(0));
    close_0_of_3_check();
}

static void close_0_refused(void) {
    item_close(0, BELAY_REFUSED);
}

static void disown_0_family(void) {
    void *object = NULL;
    statuses[0] = belay_disown(items[0].handle, &object);
    require(statuses[0] == BELAY_OK || statuses[0] == BELAY_BUSY);
}

static void disown_parent_check(void) {
    require(items[1].destroyed == 1 || statuses[0] == BELAY_BUSY);
    if (statuses[0] != BELAY_OK) {
        item_close(0, BELAY_OK);
    } else {
        require(items[0].destroyed == 0 && items[1].destroyed == 1);
        items[0].destroyed = 1;
    }
    item_require_gone(2);
}

/* Two owners at once, one site. */
static void own_and_close(int place) {
    belay_own_options options = {.size = sizeof options, .site = "one line.c:1"};
    require(belay_own((belay_type){1}, &items[place], &options, &items[place].handle) ==
            BELAY_OK);
    require(item_use(place));
    item_close(place, BELAY_OK);
}

/* Once alone, so that no segment has to be mapped later. */
static void a_line_known(void) {
    (void)item_type(plain);
    own_and_close(0);
    items[0] = (item){0};
}

static void own_0(void) {
    own_and_close(0);
}

static void own_1(void) {
    own_and_close(1);
}

/* Guards. */
static void guarded(belay_guard guard, belay_thread thread) {
    belay_type type = item_type((belay_type_options){
            .guard = guard, .thread = thread, .destroy = item_destroy_alone});
    item_own(0, type, -1);
    item_own(1, type, guard == BELAY_GUARD_DOMAIN ? 0 : -1);
}

static void exclusive(void) {
    belay_type type = item_type((belay_type_options){
            .guard = BELAY_GUARD_EXCLUSIVE, .destroy = item_destroy_alone});
    item_own(0, type, -1);
}

static void domain(void) {
    guarded(BELAY_GUARD_DOMAIN, BELAY_THREAD_ANY);
}

static void serial(void) {
    guarded(BELAY_GUARD_SHARED, BELAY_THREAD_SERIAL);
}

static void use_nested(void) {
    void *object = NULL;
    belay_status status = belay_borrow(items[0].handle, &object);
    if (status != BELAY_OK) {
        require(status == BELAY_CLOSED);
        return;
    }
    items[0].lent++;
    item_use_alone(1);
    item_use_alone(0);
    items[0].lent--;
    require(belay_return(items[0].handle) == BELAY_OK);
}

static void close_all_check(void) {
    item_close(1, BELAY_OK);
    item_close(0, BELAY_OK);
    item_require_gone(2);
}

static void close_0_check(void) {
    item_close(0, BELAY_OK);
    item_require_gone(1);
}

static uint64_t size_alone(void *context, void *object) {
    (void)context;
    (void)object;
    require(item_inside == 0);
    return 50;
}

static void exclusive_measured(void) {
    belay_type type = item_type((belay_type_options){.guard = BELAY_GUARD_EXCLUSIVE,
            .destroy = item_destroy_alone,
            .size_of = size_alone});
    item_own(0, type, -1);
}

static void measure_0(void) {
    belay_status status = belay_measure(items[0].handle);
    require(status == BELAY_OK || status == BELAY_CLOSED);
}

static void foreign_0(void) {
    foreign_use(0);
}

static void foreign_1(void) {
    foreign_use(1);
}

static void serial_foreign(void) {
    foreign_begin();
    serial();
}

/* The slot of a domain's root becomes a child's of another root. */
static void domains_foreign(void) {
    foreign_begin();
    belay_type type = item_type((belay_type_options){.guard = BELAY_GUARD_DOMAIN});
    item_own(0, type, -1);
    item_own(1, type, -1);
}

static void close_0_and_own_below_1(void) {
    item_close(0, BELAY_OK);
    item_own(2, (belay_type){1}, 1);
}

static void domains_check(void) {
    item_close(1, BELAY_OK);
    item_require_gone(3);
}

/* Whoever resizes must not end what is its thread's. */
static void pinned(void) {
    item_own(0, item_type((belay_type_options){.thread = BELAY_THREAD_PINNED}), -1);
    item_close(0, BELAY_OK);
    items[0] = (item){0};
}

static void own_and_close_pinned(void) {
    item_own(0, (belay_type){1}, -1);
    item_close(0, BELAY_OK);
}

static void pumped(void) {
    item_own(0, item_type((belay_type_options){.thread = BELAY_THREAD_PUMPED}), -1);
}

/* The one thread of the library: pumps until the object is gone. */
static void pump(void) {
    while (items[0].destroyed == 0) {
        (void)belay_type_pump((belay_type){1});
        belay__thread_pause();
    }
}

static void use_pumped(void) {
    void *object = NULL;
    belay_status status = belay_borrow(items[0].handle, &object);
    require(status == BELAY_OK || status == BELAY_CLOSED || status == BELAY_WRONG_THREAD);
    if (status == BELAY_OK) {
        require(belay_return(items[0].handle) == BELAY_OK);
    }
}

const explorer_scenario scenarios[] = {
        {"close, use", one, {close_0, use_0}, gone_1, false, 0},
        {"close, use, use", one, {close_0, use_0, use_0}, gone_1, false, 0},
        {"close, close, use", one, {close_0, close_0, use_0}, gone_1, false, 0},
        {"last return, close, use", one_lent, {return_0, close_0, use_0}, gone_1, false,
                0},
        {"reuse of the slot, stale use", one, {close_and_own_again, use_0, use_0},
                reuse_check, false, 4},
        {"retirement, stale use", one_of_the_last_generation,
                {close_and_own_twice, use_0}, reuse_twice_check, false, 0},
        {"refusal, second close", one_refusing, {close_0_note, close_0_note_too},
                refuse_check, false, 0},
        {"refusal, use", one_refusing, {close_0_refused, use_0}, close_0_check, false, 0},
        {"close_wait, return", one_lent, {close_wait_0, return_0}, gone_1, false, 0},
        {"close_wait twice, return", one_lent, {close_wait_0, close_wait_0, return_0},
                gone_1, false, 0},
        {"close_wait, return, refusal", one_lent_refusing,
                {close_wait_0_refused, return_0}, refused_check, false, 0},
        {"close_wait, close refused", one_refusing, {close_wait_0_again, close_0_refused},
                close_0_check, false, 0},
        {"close_wait, busy child refuses", family_refusing,
                {close_wait_0_again, return_1}, close_0_of_3_check, false, 3},
        {"close_wait, close", one, {close_wait_0, close_0}, gone_1, false, 0},
        {"disown, close", one, {disown_0, close_0}, disown_check, false, 0},
        {"disown, use", one, {disown_0, use_0}, disown_use_check, false, 0},
        {"resize, close", one, {resize_0, close_0}, bytes_check, false, 0},
        {"resize, close of a pinned one", pinned, {own_and_close_pinned, resize_0},
                bytes_check, false, 0},
        {"own twice, one line", a_line_known, {own_0, own_1}, gone_2, false, 2},

        {"own below, close", one, {own_below_0, close_0}, own_below_check, false, 0},
        {"own below while lent, close", one, {use_0_and_own_below, close_0},
                own_below_check, false, 0},
        {"cascade, child closed", parent_and_child, {close_0, close_1}, gone_2, false, 0},
        {"cascade, child used", parent_and_child, {close_0, use_1}, gone_2, false, 0},
        {"cascade twice, child used", parent_and_child, {close_0, close_0, use_1}, gone_2,
                false, 2},
        {"cascade, busy child returned, other closed", family_busy,
                {close_0, return_1, close_2}, gone_3, false, 3},
        {"cascade, two children closed", family_plain, {close_0, close_1, close_2},
                gone_3, false, 2},
        {"lent parent returned, close, child closed", parent_lent_and_child,
                {return_0, close_0, close_1}, gone_2, false, 3},
        {"hold, children closed", family_hold, {close_0, close_1, close_2}, gone_3, false,
                2},
        {"three generations, busy leaf", three_generations_busy,
                {close_0, close_1, return_2}, gone_3, false, 3},
        {"cascade, busy child refuses", family_refusing, {close_0_refused, return_1},
                refusing_family_check, false, 0},
        {"child disowned, cascade", family_disowning, {disown_1, close_0},
                disown_child_check, false, 0},
        {"parent disowned, child closed", parent_and_child, {disown_0_family, close_1},
                disown_parent_check, false, 0},

        {"exclusive, two users, close", exclusive, {use_alone_0, use_alone_0, close_0},
                gone_1, false, 3},
        {"domain, parent and child used", domain, {use_alone_0, use_alone_1},
                close_all_check, false, 0},
        {"domain, parent used, child closed", domain, {use_alone_0, close_1},
                close_all_check, false, 0},
        {"domain, parent used, closed, child used", domain,
                {use_alone_0, close_0, use_alone_1}, gone_2, false, 2},
        {"serial, used, other closed", serial, {use_alone_0, close_1}, close_all_check,
                false, 0},
        {"nested borrow, other user", domain, {use_nested, use_alone_1}, close_all_check,
                false, 0},
        {"nested borrow, close", domain, {use_nested, close_0}, gone_2, false, 3},
        {"measure, use, close", exclusive_measured, {measure_0, use_alone_0, close_0},
                bytes_check, false, 2},
        {"foreign users, close", serial_foreign, {foreign_0, foreign_1, close_0},
                close_all_check, false, 3},
        {"foreign stale user, foreign user of the slot's next", domains_foreign,
                {foreign_0, foreign_1, close_0_and_own_below_1}, domains_check, false, 3},
        {"pumped, close, pump", pumped, {close_0, pump}, gone_1, false, 0},
        {"pumped, close, use, pump", pumped, {close_0, use_pumped, pump}, gone_1, false,
                3},
};
const int scenario_count = (int)(sizeof scenarios / sizeof *scenarios);
