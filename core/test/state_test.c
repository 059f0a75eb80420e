/* SPDX-License-Identifier: MIT */
/* state_test.c - the state table of docs/internals/handle.md, row by row. */
#include "thing.h"

typedef enum situation {
    FREE,
    IDLE,
    USED_1,
    USED_2,
    CLOSING_1,
    CLOSING_2,
    WAITING,
    DYING,
    GONE /* the handle is stale */
} situation;

typedef enum operation { BORROW, RETURN, CLOSE, DISOWN, NET } operation;

static const char *const situation_words[] = {"Free", "Idle", "Used 1", "Used 2",
        "Closing 1", "Closing 2", "Waiting", "Dying", "stale"};
static const char *const operation_words[] = {
        "borrow", "return", "close", "disown", "net"};

typedef struct rule {
    situation before;
    operation operation;
    belay_status status;
    situation after;
    int destroyed; /* by the operation itself */
} rule;

/* NET has no status: it only pushes. */
static const rule table[] = {
        {FREE, BORROW, BELAY_CLOSED, FREE, 0},
        {FREE, RETURN, BELAY_NOT_BORROWED, FREE, 0},
        {FREE, CLOSE, BELAY_OK, FREE, 0},
        {FREE, DISOWN, BELAY_CLOSED, FREE, 0},
        {FREE, NET, BELAY_OK, FREE, 0},
        {IDLE, BORROW, BELAY_OK, USED_1, 0},
        {IDLE, RETURN, BELAY_NOT_BORROWED, IDLE, 0},
        {IDLE, CLOSE, BELAY_OK, GONE, 1},
        {IDLE, DISOWN, BELAY_OK, GONE, 0},
        {IDLE, NET, BELAY_OK, GONE, 1},
        {USED_1, BORROW, BELAY_OK, USED_2, 0},
        {USED_1, RETURN, BELAY_OK, IDLE, 0},
        {USED_1, CLOSE, BELAY_OK, CLOSING_1, 0},
        {USED_1, DISOWN, BELAY_BUSY, USED_1, 0},
        {USED_1, NET, BELAY_OK, CLOSING_1, 0},
        {USED_2, RETURN, BELAY_OK, USED_1, 0},
        {USED_2, CLOSE, BELAY_OK, CLOSING_2, 0},
        {USED_2, DISOWN, BELAY_BUSY, USED_2, 0},
        {USED_2, NET, BELAY_OK, CLOSING_2, 0},
        {CLOSING_1, BORROW, BELAY_CLOSED, CLOSING_1, 0},
        {CLOSING_1, RETURN, BELAY_OK, GONE, 1},
        {CLOSING_1, CLOSE, BELAY_OK, CLOSING_1, 0},
        {CLOSING_1, DISOWN, BELAY_CLOSED, CLOSING_1, 0},
        {CLOSING_1, NET, BELAY_OK, CLOSING_1, 0},
        {CLOSING_2, BORROW, BELAY_CLOSED, CLOSING_2, 0},
        {CLOSING_2, RETURN, BELAY_OK, CLOSING_1, 0},
        {CLOSING_2, CLOSE, BELAY_OK, CLOSING_2, 0},
        {CLOSING_2, DISOWN, BELAY_CLOSED, CLOSING_2, 0},
        {CLOSING_2, NET, BELAY_OK, CLOSING_2, 0},
        {WAITING, BORROW, BELAY_CLOSED, WAITING, 0},
        {WAITING, RETURN, BELAY_NOT_BORROWED, WAITING, 0},
        {WAITING, CLOSE, BELAY_OK, WAITING, 0},
        {WAITING, DISOWN, BELAY_CLOSED, WAITING, 0},
        {WAITING, NET, BELAY_OK, WAITING, 0},
        {DYING, BORROW, BELAY_CLOSED, DYING, 0},
        {DYING, RETURN, BELAY_NOT_BORROWED, DYING, 0},
        {DYING, CLOSE, BELAY_OK, DYING, 0},
        {DYING, DISOWN, BELAY_CLOSED, DYING, 0},
        {DYING, NET, BELAY_OK, DYING, 0},
        {GONE, BORROW, BELAY_CLOSED, GONE, 0},
        {GONE, RETURN, BELAY_NOT_BORROWED, GONE, 0},
        {GONE, CLOSE, BELAY_OK, GONE, 0},
        {GONE, DISOWN, BELAY_CLOSED, GONE, 0},
};

/* One object brought into a state, the operation on it, and what came of that. */
typedef struct subject {
    const rule *row;
    uint32_t index; /* 0: a slot of the core */
    belay_type type;
    thing object;
    thing successor; /* in the same slot, behind a stale handle */
    thing child;
    belay_handle handle;
    belay_handle successor_handle;
    belay_status status;
    situation seen; /* right after the operation */
} subject;

static situation situation_of(belay_handle handle) {
    uint64_t word = thing_state(handle);
    if ((word ^ handle.bits) & BELAY__GENERATION_MASK) {
        return GONE;
    }
    uint32_t borrows = belay__state_borrows(word);
    if (!(word & BELAY_STATE_LIVE)) {
        return word & BELAY_STATE_CLOSED ? GONE : FREE; /* retired: no handle is good */
    }
    if (word & BELAY_STATE_DYING) {
        return word & BELAY_STATE_CLOSED && borrows == 0 ? DYING : GONE;
    }
    if (word & BELAY_STATE_CLOSED) {
        return borrows == 0 ? WAITING : borrows == 1 ? CLOSING_1 : CLOSING_2;
    }
    return borrows == 0 ? IDLE : borrows == 1 ? USED_1 : USED_2;
}

/* Does the operation of the row and notes the state after it. */
static void subject_operate(void *data) {
    subject *self = data;
    void *object = &self->row; /* a value that must stay on failure */
    self->status = BELAY_OK;
    switch (self->row->operation) {
    case BORROW:
        self->status = belay_borrow(self->handle, &object);
        break;
    case RETURN:
        self->status = belay_return(self->handle);
        break;
    case CLOSE:
        self->status = belay_close(self->handle, NULL);
        break;
    case DISOWN:
        self->status = belay_disown(self->handle, &object);
        break;
    case NET:
        belay__bind_dead(belay__handle_index(self->handle), 1);
        for (int i = 0; i < 5000 && situation_of(self->handle) == self->row->before &&
                        self->row->after != self->row->before;
                i++) {
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        for (int i = 0; i < 5000 && situation_of(self->handle) == DYING &&
                        self->row->after == GONE;
                i++) {
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        break;
    }
    bool gives = (self->row->operation == BORROW || self->row->operation == DISOWN) &&
                 self->row->status == BELAY_OK;
    assert_ptr_equal(object, gives ? (void *)&self->object : (void *)&self->row);
    self->seen = situation_of(self->handle);
}

static belay_handle subject_own(subject *self, thing *object) {
    return self->index ? thing_bind(self->index, self->type, object, (belay_handle){0})
                       : thing_own(self->type, object);
}

static void assert_closed(belay_handle handle) {
    assert_status(BELAY_OK, belay_close(handle, NULL));
}

static void subject_prepare(subject *self) {
    situation before = self->row->before;
    self->handle = subject_own(self, &self->object);
    if (before == USED_2 || before == CLOSING_2) {
        thing_borrow(self->handle, &self->object);
    }
    if (before == USED_1 || before == USED_2 || before == CLOSING_1 ||
            before == CLOSING_2) {
        thing_borrow(self->handle, &self->object);
    }
    if (before == WAITING) {
        (void)thing_own_below(thing_type(), &self->child, self->handle);
    }
    if (before == CLOSING_1 || before == CLOSING_2 || before == WAITING ||
            before == GONE) {
        assert_status(BELAY_OK, belay_close(self->handle, NULL));
    }
    if (before == GONE && self->index) {
        self->successor_handle = subject_own(self, &self->successor);
        thing_borrow(self->successor_handle, &self->successor);
    }
    if (before == FREE) {
        uint64_t next = UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT;
        /* Narrow generations: a slot that is retired by this close is not a free one. */
        assert_closed(self->handle);
        for (int tries = 0;
                situation_of((belay_handle){self->handle.bits + next}) != FREE; tries++) {
            assert_true(tries < 100);
            self->handle = subject_own(self, &self->object);
            assert_closed(self->handle);
        }
        self->handle.bits += next;
    }
    assert_int_equal(situation_of(self->handle), before == DYING ? IDLE : before);
}

static void subject_check(subject *self, int destroyed_before) {
    int destroyed = thing_destroyed(&self->object) - destroyed_before;
    const rule *row = self->row;
    if (self->status != row->status || self->seen != row->after ||
            destroyed != row->destroyed) {
        fail_msg("%s, %s (slot of %s): %s, then %s, destroyed %d times; "
                 "wanted: %s, then %s, destroyed %d times",
                situation_words[row->before], operation_words[row->operation],
                self->index ? "a binding" : "the core", belay_status_text(self->status),
                situation_words[self->seen], destroyed, belay_status_text(row->status),
                situation_words[row->after], row->destroyed);
    }
}

/* Goes through one row, with a slot of the core or of a binding. */
static void subject_run(const rule *row, uint32_t index) {
    belay_type_options options = {
            .on_error = BELAY_ON_ERROR_KEPT, .children = BELAY_CHILDREN_HOLD};
    subject self = {.row = row, .index = index, .type = thing_type_of(options)};
    subject_prepare(&self);
    int destroyed_before = self.object.destroyed;
    if (row->before == DYING) {
        self.object.inside = subject_operate;
        self.object.inside_data = &self;
        assert_status(BELAY_OK, belay_close(self.handle, NULL));
        assert_int_equal(self.object.destroyed, 1);
        assert_int_equal(situation_of(self.handle), GONE);
        destroyed_before = 1;
    } else {
        subject_operate(&self);
    }
    subject_check(&self, destroyed_before);
    if (self.successor_handle.bits) {
        assert_int_equal(situation_of(self.successor_handle), USED_1);
        assert_status(BELAY_OK, belay_return(self.successor_handle));
        assert_int_equal(self.successor.destroyed, 0);
        assert_status(BELAY_OK, belay_close(self.successor_handle, NULL));
    }
}

/* Goal: slots that belay_own hands out follow the table. Method: for each row but those
 * of the net, bring a fresh object into the state, do the operation, compare. */
TRIAL(core_slot_follows_the_table) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].operation != NET) {
            subject_run(&table[i], 0);
        }
    }
}

/* Goal: slots of a language binding follow it as well, the net included. Method: the
 * same, each row in a fresh slot of an EXACT group, so that a dead net does not meet the
 * next row. */
TRIAL(binding_slot_follows_the_table) {
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    assert_int_not_equal(first, 0);
    assert_true(sizeof table / sizeof *table <= BELAY__GROUP_SLOTS);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        subject_run(&table[i], first + (uint32_t)i);
    }
}

static void refuse_once(thing *object) {
    object->code = 5;
    object->answers = 1;
}

/* Goal: a destructor that refuses leads from Dying back to Idle, and nothing else does.
 * Method: refuse a close, a last return and a net; use the object again, then let it go.
 */
TRIAL(refusal_leads_back_to_idle) {
    belay_type type = thing_type();
    thing object = {0};
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    for (uint32_t way = 0; way < 3; way++) {
        object = (thing){0};
        refuse_once(&object);
        belay_handle handle =
                way == 2 ? thing_bind(first, type, &object, (belay_handle){0})
                         : thing_own(type, &object);
        if (way == 0) {
            assert_status(BELAY_REFUSED, belay_close(handle, NULL));
        } else if (way == 1) {
            thing_borrow(handle, &object);
            assert_status(BELAY_OK, belay_close(handle, NULL));
            assert_status(BELAY_OK, belay_return(handle));
        } else {
            belay__bind_dead(first, 1);
            thing_await(&object.destroyed, 1);
            (void)belay_drain(1000);
        }
        assert_int_equal(object.destroyed, 1);
        assert_int_equal(situation_of(handle), IDLE);
        assert_false(thing_state(handle) & BELAY_STATE_NETTED);
        thing_borrow(handle, &object);
        assert_status(BELAY_OK, belay_return(handle));
        assert_status(BELAY_OK, belay_close(handle, NULL));
        assert_int_equal(object.destroyed, 2);
        assert_int_equal(situation_of(handle), GONE);
    }
    assert_int_equal(thing_stats(type).refused, 3);
    assert_int_equal(thing_stats(type).live, 0);
}

/* Goal: "own below a parent" has the answer the page gives for each state of the parent.
 * Method: own a child below a parent in each of them; on CLOSED the caller keeps the
 * child. */
TRIAL(own_below_each_state) {
    static const struct {
        situation parent;
        belay_status status;
    } cases[] = {{IDLE, BELAY_OK}, {USED_1, BELAY_OK}, {CLOSING_1, BELAY_OK},
            {WAITING, BELAY_CLOSED}, {GONE, BELAY_CLOSED}, {FREE, BELAY_CLOSED}};

    belay_type child_type = thing_type();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rule row = {.before = cases[i].parent};
        subject self = {.row = &row,
                .type = thing_type_of(
                        (belay_type_options){.children = BELAY_CHILDREN_HOLD})};
        thing child = {0};
        subject_prepare(&self);
        belay_handle handle = {77};
        belay_own_options options = {.size = sizeof options, .parent = self.handle};
        assert_status(cases[i].status, belay_own(child_type, &child, &options, &handle));
        if (cases[i].status == BELAY_OK) {
            assert_true(thing_state(self.handle) & BELAY_STATE_KIN);
            assert_int_equal(situation_of(handle), IDLE);
        } else {
            assert_true(handle.bits == 77);
            handle = thing_own(child_type, &child);
        }
        assert_status(BELAY_OK, belay_close(handle, NULL));
        assert_int_equal(child.destroyed, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(core_slot_follows_the_table),
            cmocka_unit_test(binding_slot_follows_the_table),
            cmocka_unit_test(refusal_leads_back_to_idle),
            cmocka_unit_test(own_below_each_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
