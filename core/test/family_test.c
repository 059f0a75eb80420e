/* SPDX-License-Identifier: MIT */
/* family_test.c - children go before their parents, whatever the order of the closes. */
#include "thing.h"

/* A root with three children, the first of which has two of its own. */
typedef struct family {
    belay_type type;
    thing root, children[3], grandchildren[2];
    belay_handle root_handle, child_handles[3], grandchild_handles[2];
} family;

static void family_make(family *self, belay_children rule) {
    static belay_type types[BELAY_CHILDREN_COUNT];
    memset(self, 0, sizeof *self);
    if (types[rule].id == 0) {
        types[rule] = thing_type_of(
                (belay_type_options){.on_error = BELAY_ON_ERROR_KEPT, .children = rule});
    }
    self->type = types[rule];
    self->root_handle = thing_own(self->type, &self->root);
    for (int i = 0; i < 3; i++) {
        self->child_handles[i] =
                thing_own_below(self->type, &self->children[i], self->root_handle);
    }
    for (int i = 0; i < 2; i++) {
        self->grandchild_handles[i] = thing_own_below(
                self->type, &self->grandchildren[i], self->child_handles[0]);
    }
}

static void assert_all_gone_once(const family *self) {
    assert_int_equal(self->root.destroyed, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(self->children[i].destroyed, 1);
        assert_true(self->children[i].order < self->root.order);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(self->grandchildren[i].destroyed, 1);
        assert_true(self->grandchildren[i].order < self->children[0].order);
    }
    assert_int_equal(thing_stats(self->type).live, 0);
}

/* Goal: a cascade destroys the newest child first, each with its own children before it.
 * Method: close the root of an idle family and compare the order with the one written
 * down. */
TRIAL(cascade_goes_newest_first) {
    family all;
    family_make(&all, BELAY_CHILDREN_CASCADE);
    assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
    assert_all_gone_once(&all);
    assert_int_equal(all.children[2].order, 1);
    assert_int_equal(all.children[1].order, 2);
    assert_int_equal(all.grandchildren[1].order, 3);
    assert_int_equal(all.grandchildren[0].order, 4);
    assert_int_equal(all.children[0].order, 5);
    assert_int_equal(all.root.order, 6);
    assert_int_equal(thing_stats(all.type).closed, 6);
}

/* Goal: any order of closes ends with everything destroyed once, children first. Method:
 * all 720 orders of closing the six, under both rules for children. */
TRIAL(every_order_of_closes) {
    for (int rule = 0; rule < 2; rule++) {
        for (int order = 0; order < 720; order++) {
            family all;
            family_make(&all, rule ? BELAY_CHILDREN_HOLD : BELAY_CHILDREN_CASCADE);
            belay_handle handles[6] = {all.root_handle, all.child_handles[0],
                    all.child_handles[1], all.child_handles[2], all.grandchild_handles[0],
                    all.grandchild_handles[1]};
            int rest = order;
            for (int left = 6; left > 0; left--) {
                int chosen = rest % left;
                rest /= left;
                assert_status(BELAY_OK, belay_close(handles[chosen], NULL));
                handles[chosen] = handles[left - 1];
            }
            assert_all_gone_once(&all);
        }
    }
}

/* Goal: a child in use delays its parent, and nothing else of the family. Method: lend
 * one child, close the root, see what went, return the child. */
TRIAL(busy_child_delays_the_parent) {
    for (int busy = 0; busy < 3; busy++) {
        family all;
        void *lent = NULL;
        family_make(&all, BELAY_CHILDREN_CASCADE);
        thing_borrow(all.child_handles[busy], &all.children[busy]);
        assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
        assert_int_equal(all.root.destroyed, 0);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(all.children[i].destroyed, i != busy);
        }
        assert_status(BELAY_CLOSED, belay_borrow(all.child_handles[busy], &lent));
        assert_status(BELAY_CLOSED, belay_borrow(all.root_handle, &lent));
        assert_status(BELAY_CLOSED, belay_disown(all.child_handles[busy], &lent));
        assert_status(BELAY_OK, belay_return(all.child_handles[busy]));
        assert_all_gone_once(&all);
    }
}

/* Goal: a busy grandchild delays two levels, and the return goes on with both. Method:
 * lend it, close the root, return it. */
TRIAL(busy_grandchild_delays_two_levels) {
    family all;
    family_make(&all, BELAY_CHILDREN_CASCADE);
    thing_borrow(all.grandchild_handles[0], &all.grandchildren[0]);
    assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
    assert_int_equal(all.children[0].destroyed, 0);
    assert_int_equal(all.root.destroyed, 0);
    assert_int_equal(all.grandchildren[1].destroyed, 1);
    assert_status(BELAY_OK, belay_return(all.grandchild_handles[0]));
    assert_all_gone_once(&all);
}

/* Goal: a borrowed parent starts no cascade before its last return. Method: lend the
 * root, close it, look at the children, which stay usable; return it. */
TRIAL(borrowed_parent_cascades_at_its_return) {
    family all;
    family_make(&all, BELAY_CHILDREN_CASCADE);
    thing_borrow(all.root_handle, &all.root);
    assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(all.children[i].destroyed, 0);
    }
    thing late = {0};
    (void)thing_own_below(all.type, &late, all.root_handle);
    assert_status(BELAY_OK, belay_return(all.root_handle));
    assert_int_equal(late.destroyed, 1);
    assert_int_equal(late.order, 1);
    assert_all_gone_once(&all);
}

/* Goal: with hold, the parent's close touches no child. Method: close the root first, use
 * a child, own below a child, close the others in turn; the last one brings the root
 * down. */
TRIAL(hold_waits_for_the_children) {
    family all;
    family_make(&all, BELAY_CHILDREN_HOLD);
    assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
    for (int i = 0; i < 3; i++) {
        thing_borrow(all.child_handles[i], &all.children[i]);
        assert_status(BELAY_OK, belay_return(all.child_handles[i]));
    }
    thing more = {0};
    belay_handle below = thing_own_below(all.type, &more, all.child_handles[1]);
    assert_status(BELAY_OK, belay_close(all.child_handles[1], NULL));
    assert_int_equal(all.children[1].destroyed, 0);
    assert_status(BELAY_OK, belay_close(below, NULL));
    assert_int_equal(all.children[1].destroyed, 1);
    assert_status(BELAY_OK, belay_close(all.child_handles[2], NULL));
    assert_status(BELAY_OK, belay_close(all.grandchild_handles[0], NULL));
    assert_status(BELAY_OK, belay_close(all.grandchild_handles[1], NULL));
    assert_int_equal(all.root.destroyed, 0);
    assert_status(BELAY_OK, belay_close(all.child_handles[0], NULL));
    assert_all_gone_once(&all);
}

/* Goal: a child that refuses in a cascade opens again, and so does the parent. Method:
 * the middle child refuses once; look at all; use what is open; close the root again. */
TRIAL(refusing_child_reopens_the_family) {
    family all;
    family_make(&all, BELAY_CHILDREN_CASCADE);
    belay_report_to(thing_report_sink, NULL);
    all.children[1].code = 5;
    all.children[1].answers = 1;
    int code = 0;
    assert_status(BELAY_REFUSED, belay_close(all.root_handle, &code));
    assert_int_equal(all.children[1].destroyed, 1);
    assert_int_equal(all.root.destroyed, 0);
    assert_int_equal(all.children[2].destroyed, 1);
    assert_int_equal(all.children[0].destroyed, 0);
    assert_true(thing_reported(BELAY_REPORT_DESTROY_REFUSED) >= 1);
    assert_int_equal(thing_report_last(BELAY_REPORT_DESTROY_REFUSED)->code, 5);
    thing_borrow(all.root_handle, &all.root);
    thing_borrow(all.child_handles[1], &all.children[1]);
    thing_borrow(all.child_handles[0], &all.children[0]);
    assert_status(BELAY_OK, belay_return(all.root_handle));
    assert_status(BELAY_OK, belay_return(all.child_handles[1]));
    assert_status(BELAY_OK, belay_return(all.child_handles[0]));
    assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
    all.children[1].destroyed--;
    assert_all_gone_once(&all);
}

/* Goal: a busy child that refuses at its last return opens again with its parents.
 * Method: the grandchild refuses late; then the root is borrowed and closed again. */
TRIAL(late_refusal_reopens_the_parents) {
    family all;
    family_make(&all, BELAY_CHILDREN_CASCADE);
    belay_report_to(thing_report_sink, NULL);
    all.grandchildren[0].code = 9;
    all.grandchildren[0].answers = 1;
    thing_borrow(all.grandchild_handles[0], &all.grandchildren[0]);
    assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
    assert_status(BELAY_OK, belay_return(all.grandchild_handles[0]));
    assert_int_equal(all.grandchildren[0].destroyed, 1);
    assert_true(thing_reported(BELAY_REPORT_DESTROY_REFUSED) >= 1);
    thing_borrow(all.root_handle, &all.root);
    assert_status(BELAY_OK, belay_return(all.root_handle));
    thing_borrow(all.child_handles[0], &all.children[0]);
    assert_status(BELAY_OK, belay_return(all.child_handles[0]));
    assert_int_equal(thing_stats(all.type).live, 3);
    assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
    all.grandchildren[0].destroyed--;
    assert_all_gone_once(&all);
}

/* Goal: with hold, a child that refuses concerns its parent not: that goes on waiting.
 * Method: close the parent, let the only child refuse once, then go. */
TRIAL(refusing_child_of_a_holding_parent) {
    belay_type type = thing_type_of((belay_type_options){
            .on_error = BELAY_ON_ERROR_KEPT, .children = BELAY_CHILDREN_HOLD});
    thing root = {0};
    thing child = {.code = 5, .answers = 1};
    void *lent = NULL;
    belay_handle top = thing_own(type, &root);
    belay_handle below = thing_own_below(type, &child, top);
    assert_status(BELAY_OK, belay_close(top, NULL));
    assert_status(BELAY_REFUSED, belay_close(below, NULL));
    assert_status(BELAY_CLOSED, belay_borrow(top, &lent));
    assert_status(BELAY_OK, belay_close(below, NULL));
    assert_int_equal(child.destroyed, 2);
    assert_int_equal(root.destroyed, 1);
}

/* Goal: a parent that refuses after its children went stays open without them. Method:
 * the root refuses once; own a new child below it; close it again. */
TRIAL(refusing_parent_stays_without_children) {
    family all;
    family_make(&all, BELAY_CHILDREN_CASCADE);
    all.root.code = 5;
    all.root.answers = 1;
    int code = 0;
    assert_status(BELAY_REFUSED, belay_close(all.root_handle, &code));
    assert_int_equal(code, 5);
    assert_int_equal(thing_stats(all.type).live, 1);
    thing late = {0};
    (void)thing_own_below(all.type, &late, all.root_handle);
    assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
    assert_int_equal(late.destroyed, 1);
    all.root.destroyed--;
    assert_all_gone_once(&all);
}

/* Goal: a child's error that left it gone does not stop the cascade, and is told. Method:
 * the middle child gives a code under the rule `gone`. */
TRIAL(failing_child_does_not_stop_the_cascade) {
    belay_report_to(thing_report_sink, NULL);
    belay_type type =
            thing_type_of((belay_type_options){.on_error = BELAY_ON_ERROR_GONE});
    thing root = {0};
    thing children[2] = {{.code = 3, .answers = -1}, {0}};
    belay_handle top = thing_own(type, &root);
    (void)thing_own_below(type, &children[0], top);
    (void)thing_own_below(type, &children[1], top);
    assert_status(BELAY_OK, belay_close(top, NULL));
    assert_int_equal(root.destroyed, 1);
    assert_int_equal(children[0].destroyed, 1);
    assert_int_equal(children[1].destroyed, 1);
    assert_int_equal(thing_stats(type).failed, 1);
    assert_int_equal(thing_reported(BELAY_REPORT_DESTROY_FAILED), 1);
}

/* Goal: a disowned child has left the family. Method: disown the middle one, close the
 * root; a parent with children cannot be disowned itself. */
TRIAL(disown_leaves_the_family) {
    family all;
    void *back = NULL;
    family_make(&all, BELAY_CHILDREN_CASCADE);
    assert_status(BELAY_BUSY, belay_disown(all.root_handle, &back));
    assert_status(BELAY_BUSY, belay_disown(all.child_handles[0], &back));
    assert_status(BELAY_OK, belay_disown(all.child_handles[1], &back));
    assert_ptr_equal(back, &all.children[1]);
    assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
    assert_int_equal(all.children[1].destroyed, 0);
    all.children[1].destroyed = 1;
    assert_all_gone_once(&all);
}

/* Goal: a parent without children left can be disowned. Method: close the only child
 * first. */
TRIAL(disown_of_a_former_parent) {
    belay_type type = thing_type();
    thing root = {0};
    thing child = {0};
    void *back = NULL;
    belay_handle top = thing_own(type, &root);
    assert_status(BELAY_OK, belay_close(thing_own_below(type, &child, top), NULL));
    assert_status(BELAY_OK, belay_disown(top, &back));
    assert_ptr_equal(back, &root);
    assert_int_equal(root.destroyed, 0);
}

static void close_given(void *data) {
    assert_status(BELAY_OK, belay_close(*(belay_handle *)data, NULL));
}

/* Goal: destructors may close relatives. Method: in the middle child's destructor close
 * the parent, a sibling, itself and a grandchild, one case each; by a close of the child
 * and by a cascade. */
TRIAL(destructors_close_relatives) {
    for (int way = 0; way < 2; way++) {
        for (int relative = 0; relative < 5; relative++) {
            family all;
            family_make(&all, BELAY_CHILDREN_CASCADE);
            belay_handle relatives[] = {all.root_handle, all.child_handles[0],
                    all.child_handles[1], all.child_handles[2],
                    all.grandchild_handles[1]};
            all.children[1].inside = close_given;
            all.children[1].inside_data = &relatives[relative];
            assert_status(BELAY_OK,
                    belay_close(way ? all.root_handle : all.child_handles[1], NULL));
            assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
            assert_all_gone_once(&all);
        }
    }
}

static void own_below_given(void *data) {
    thing late = {0};
    belay_handle parent = *(belay_handle *)data;
    belay_handle handle = {0};
    belay_info info;
    belay_own_options options = {.size = sizeof options, .parent = parent};
    assert_true(belay_peek(parent, &info));
    assert_status(BELAY_CLOSED, belay_own(info.type, &late, &options, &handle));
}

/* Goal: nothing is owned below a parent that goes down. Method: try it in the destructors
 * of a child and of the parent itself. */
TRIAL(nothing_is_born_below_the_dying) {
    family all;
    family_make(&all, BELAY_CHILDREN_CASCADE);
    all.children[2].inside = own_below_given;
    all.children[2].inside_data = &all.root_handle;
    all.root.inside = own_below_given;
    all.root.inside_data = &all.root_handle;
    assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
    assert_all_gone_once(&all);
}

#define CHAIN 20000

static void *close_chain(void *data) {
    assert_status(BELAY_OK, belay_close(*(belay_handle *)data, NULL));
    return NULL;
}

/* Goal: a long line of generations needs no stack. Method: a chain of 20000, closed from
 * the top on a thread with the smallest stack. */
TRIAL(deep_chain_needs_no_stack) {
    static thing chain[CHAIN];
    belay_type type = thing_type();
    belay_handle top = thing_own(type, &chain[0]);
    belay_handle last = top;
    for (int i = 1; i < CHAIN; i++) {
        last = thing_own_below(type, &chain[i], last);
    }
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attributes, close_chain, &top), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    for (int i = 0; i < CHAIN; i++) {
        assert_int_equal(chain[i].destroyed, 1);
        assert_int_equal(chain[i].order, CHAIN - i);
    }
}

/* Goal: a wide family is closed in linear time and in order. Method: 20000 children of
 * one parent, a third closed by hand from the middle, then the parent. */
TRIAL(wide_family) {
    static thing children[CHAIN];
    static belay_handle handles[CHAIN];
    belay_type type = thing_type();
    thing root = {0};
    belay_handle top = thing_own(type, &root);
    for (int i = 0; i < CHAIN; i++) {
        handles[i] = thing_own_below(type, &children[i], top);
    }
    for (int i = 0; i < CHAIN; i += 3) {
        assert_status(BELAY_OK, belay_close(handles[i], NULL));
    }
    assert_status(BELAY_OK, belay_close(top, NULL));
    assert_int_equal(root.destroyed, 1);
    for (int i = 0; i < CHAIN; i++) {
        assert_int_equal(children[i].destroyed, 1);
        if (i % 3 == 1 && i + 1 < CHAIN) {
            assert_true(children[i].order > children[i + 1].order);
        }
    }
}

/* Goal: a slot that was a parent or child serves as a plain one later. Method: close a
 * family, own until its slots are back, and find no kin. */
TRIAL(kinship_ends_with_the_object) {
    family all;
    family_make(&all, BELAY_CHILDREN_CASCADE);
    assert_status(BELAY_OK, belay_close(all.root_handle, NULL));
    thing objects[16] = {{0}};
    belay_handle handles[16];
    for (int i = 0; i < 16; i++) {
        belay_info info;
        handles[i] = thing_own(all.type, &objects[i]);
        assert_false(thing_state(handles[i]) & BELAY_STATE_KIN);
        assert_true(belay_peek(handles[i], &info));
        assert_true(info.parent.bits == 0);
    }
    for (int i = 0; i < 16; i++) {
        assert_status(BELAY_OK, belay_close(handles[i], NULL));
        assert_int_equal(objects[i].destroyed, 1);
        for (int j = i + 1; j < 16; j++) {
            assert_int_equal(objects[j].destroyed, 0);
        }
    }
}

typedef struct waiter {
    belay_handle handle;
    belay_status status;
} waiter;

static void *wait_for_close(void *data) {
    waiter *self = data;
    self->status = belay_close_wait(self->handle, 20000, NULL);
    return NULL;
}

/* Goal: close_wait of a parent waits for the busy child, and hears of a refusal. Method:
 * a thread waits; this one returns the child, which goes or refuses. */
TRIAL(close_wait_covers_the_children) {
    for (int refuses = 0; refuses < 2; refuses++) {
        family all;
        family_make(&all, BELAY_CHILDREN_CASCADE);
        all.children[1].code = 5;
        all.children[1].answers = refuses;
        thing_borrow(all.child_handles[1], &all.children[1]);
        waiter wait = {.handle = all.root_handle};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wait_for_close, &wait), 0);
        while (!(thing_state(all.child_handles[1]) & BELAY_STATE_CLOSED)) {
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        }
        assert_status(BELAY_OK, belay_return(all.child_handles[1]));
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_status(refuses ? BELAY_REFUSED : BELAY_OK, wait.status);
        assert_int_equal(all.root.destroyed, !refuses);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(cascade_goes_newest_first),
            cmocka_unit_test(every_order_of_closes),
            cmocka_unit_test(busy_child_delays_the_parent),
            cmocka_unit_test(busy_grandchild_delays_two_levels),
            cmocka_unit_test(borrowed_parent_cascades_at_its_return),
            cmocka_unit_test(hold_waits_for_the_children),
            cmocka_unit_test(refusing_child_reopens_the_family),
            cmocka_unit_test(late_refusal_reopens_the_parents),
            cmocka_unit_test(refusing_child_of_a_holding_parent),
            cmocka_unit_test(refusing_parent_stays_without_children),
            cmocka_unit_test(failing_child_does_not_stop_the_cascade),
            cmocka_unit_test(disown_leaves_the_family),
            cmocka_unit_test(disown_of_a_former_parent),
            cmocka_unit_test(destructors_close_relatives),
            cmocka_unit_test(nothing_is_born_below_the_dying),
            cmocka_unit_test(deep_chain_needs_no_stack),
            cmocka_unit_test(wide_family),
            cmocka_unit_test(kinship_ends_with_the_object),
            cmocka_unit_test(close_wait_covers_the_children),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
