/* SPDX-License-Identifier: MIT */
/* interpreter.c - one sequence, on the core and on the model side by side. */
#include "interpreter.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "lending.h"
#include "model.h"
#include "queue.h"

#define INTERPRETER_STALE 16

typedef enum interpreter_step {
    OWN,
    OWN_BELOW,
    BIND,
    BIND_BELOW,
    BORROW,
    BORROW_AGAIN, /* the weight of borrow and return keeps objects in use */
    RETURN,
    RETURN_AGAIN,
    CLOSE,
    CLOSE_WAIT,
    DISOWN,
    RESIZE,
    ASK, /* for a standing loan */
    TAKE,
    GIVE,
    REFUSE, /* the next destructor calls give a code */
    FORGET,
    RUN,
    PUMP,
    STALE,
    OPERATIONS
} interpreter_step;

static const char *const words[OPERATIONS] = {"own", "own below", "bind", "bind below",
        "borrow", "borrow", "return", "return", "close", "close_wait", "disown", "resize",
        "ask", "take", "give", "refuse", "forget", "run", "pump", "stale"};

typedef struct subject {
    belay_handle handle;
    lending lending;
    uint32_t slot; /* a binding's; 0: none */
    bool is_net_dead;
} subject;

static struct {
    belay_type types[MODEL_TYPES];
    belay_stats before[MODEL_TYPES];
    subject subjects[MODEL_OBJECTS];
    belay_handle stale[INTERPRETER_STALE];
    int stale_count;
    int log[MODEL_LOG];
    int log_count;
    int bad_codes[MODEL_OBJECTS];
    uint32_t next_slot; /* of a group not yet used up */
    model model;
    size_t step;
    sem_t go, done; /* the other thread runs the queue */
    bool is_started;
} state;

#define differ(...)                                                                      \
    do {                                                                                 \
        fprintf(stderr, "step %zu: ", state.step);                                       \
        fprintf(stderr, __VA_ARGS__);                                                    \
        fprintf(stderr, "\n");                                                           \
        abort();                                                                         \
    } while (0)

/* The object of a place is the address of its plan. */
static int interpreter_destroy(void *context, void *object) {
    int *plan = object;
    (void)context;
    state.log[state.log_count++] = (int)(plan - state.bad_codes);
    return *plan > 0 ? (--*plan, MODEL_CODE) : 0;
}

static void *interpreter_worker(void *data) {
    for (;;) {
        sem_wait(&state.go);
        (void)belay__queue_run();
        sem_post(&state.done);
    }
    return data;
}

/* The core's own worker must not run (-Wl,--wrap=belay__thread_start). */
bool __wrap_belay__thread_start(void *(*run)(void *), void *data);

bool __wrap_belay__thread_start(void *(*run)(void *), void *data) {
    (void)run;
    (void)data;
    return false;
}

static void interpreter_start(void) {
    pthread_t thread;
    setenv("BELAY_LEDGER", "off", 1);
    for (int i = 0; i < MODEL_TYPES; i++) {
        const model_type *kind = &model_types[i];
        belay_type_options options = {.size = sizeof options,
                .name = kind->name,
                .destroy = interpreter_destroy,
                .on_error = kind->on_error,
                .guard = kind->guard,
                .thread = kind->thread,
                .net = kind->net,
                .children = kind->children};
        if (belay_type_create(&options, &state.types[i]) != BELAY_OK) {
            abort();
        }
        (void)belay_type_pump(state.types[i]); /* this thread is the pump from now on */
    }
    sem_init(&state.go, 0, 0);
    sem_init(&state.done, 0, 0);
    if (pthread_create(&thread, NULL, interpreter_worker, NULL) != 0) {
        abort();
    }
    state.is_started = true;
}

static void run_worker(void) {
    sem_post(&state.go);
    while (sem_wait(&state.done) != 0) {
    }
    model_run(&state.model);
}

static void expect(const char *what, int place, belay_status got, belay_status wanted) {
    if (got != wanted) {
        differ("%s of %d: core says '%s', model '%s'", what, place,
                belay_status_text(got), belay_status_text(wanted));
    }
}

static void compare_place(int place) {
    const model_object *wanted = &state.model.objects[place];
    belay_handle handle = state.subjects[place].handle;
    if (handle.bits == 0) {
        return;
    }
    uint64_t word = belay__load(&belay__bind_slot(belay__handle_index(handle))->state);
    bool is_live = belay__state_is(word, handle);
    if (is_live != wanted->is_live) {
        differ("place %d is %s in the core, not in the model", place,
                is_live ? "live" : "gone");
    }
    if (!is_live) {
        return;
    }
    uint64_t flags = word & (BELAY_STATE_CLOSED | BELAY_STATE_DYING | BELAY_STATE_NETTED);
    uint64_t wanted_flags = (wanted->is_closed ? BELAY_STATE_CLOSED : 0) |
                            (wanted->is_dying ? BELAY_STATE_DYING : 0) |
                            (wanted->is_netted ? BELAY_STATE_NETTED : 0);
    uint32_t borrows = lending_borrows(&state.subjects[place].lending, word);
    if (flags != wanted_flags || borrows != (uint32_t)wanted->borrows) {
        differ("place %d: flags %llx and %u borrows in the core, %llx and %d in the "
               "model",
                place, (unsigned long long)flags, borrows,
                (unsigned long long)wanted_flags, wanted->borrows);
    }
}

static void compare_counts(int type) {
    belay_stats now;
    const belay_stats *then = &state.before[type];
    const model_counts *wanted = &state.model.counts[type];
    belay_type_stats(state.types[type], &now);
    const uint64_t pairs[][2] = {{now.opened - then->opened, wanted->opened},
            {now.closed - then->closed, wanted->closed},
            {now.rescued - then->rescued, wanted->rescued},
            {now.disowned - then->disowned, wanted->disowned},
            {now.refused - then->refused, wanted->refused},
            {now.failed - then->failed, wanted->failed}, {now.live, wanted->live},
            {now.live_bytes, wanted->bytes}};
    static const char *const names[] = {"opened", "closed", "rescued", "disowned",
            "refused", "failed", "live", "live_bytes"};
    for (int i = 0; i < 8; i++) {
        if (pairs[i][0] != pairs[i][1]) {
            differ("%s of '%s' is %llu in the core, %llu in the model", names[i],
                    model_types[type].name, (unsigned long long)pairs[i][0],
                    (unsigned long long)pairs[i][1]);
        }
    }
}

static void compare(void) {
    for (int i = 0; i < state.log_count || i < state.model.log_count; i++) {
        if (i >= state.log_count || i >= state.model.log_count ||
                state.log[i] != state.model.log[i]) {
            differ("destructor call %d is of %d in the core, of %d in the model (-1: "
                   "none)",
                    i, i < state.log_count ? state.log[i] : -1,
                    i < state.model.log_count ? state.model.log[i] : -1);
        }
    }
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        compare_place(i);
    }
    for (int i = 0; i < MODEL_TYPES; i++) {
        compare_counts(i);
    }
}

/* Takes the slot of a place out of use: its net dies. */
static void let_go(int place) {
    subject *self = &state.subjects[place];
    if (self->slot != 0 && !self->is_net_dead) {
        self->is_net_dead = true;
        belay__bind_dead(self->slot, 1);
        model_forget(&state.model, place, self->slot);
        run_worker();
    }
    self->slot = 0;
}

/* A slot for a place: its own if the net lives, one whose net died, or a fresh one. */
static void take_slot(int place) {
    subject *self = &state.subjects[place];
    if (self->slot != 0 && !self->is_net_dead) {
        belay__group *group = belay__bind_group(self->slot);
        uint64_t bit = UINT64_C(1) << (self->slot % BELAY__GROUP_SLOTS);
        if (self->handle.bits != 0 && !(belay__and(&group->returned, ~bit) & bit)) {
            differ("the slot of %d was not given back", place);
        }
        return;
    }
    let_go(place);
    self->slot = belay__bind_single_take();
    if (self->slot == 0) {
        if (state.next_slot % BELAY__GROUP_SLOTS == 0) {
            state.next_slot = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
        }
        self->slot = state.next_slot++;
    }
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        subject *other = &state.subjects[i];
        if (i != place && other->slot == self->slot) {
            if (!other->is_net_dead || state.model.objects[i].is_live) {
                differ("slot %u of %d was handed out to %d", self->slot, i, place);
            }
            other->slot = 0;
        }
    }
    self->is_net_dead = false;
}

static bool is_queued(int place) {
    for (int i = 0; i < state.model.queue.count; i++) {
        if (state.model.queue.places[i] == place) {
            return true;
        }
    }
    return false;
}

static void own(interpreter_step operation, int place, uint8_t how) {
    subject *self = &state.subjects[place];
    int type = how % MODEL_TYPES;
    bool is_below = operation == OWN_BELOW || operation == BIND_BELOW;
    int parent = is_below ? how / MODEL_TYPES % MODEL_OBJECTS : -1;
    uint64_t bytes = (uint64_t)how * 100 + 1;
    if (state.model.objects[place].is_live || is_queued(place) || parent == place ||
            (is_below && state.subjects[parent].handle.bits == 0)) {
        return;
    }
    belay_handle above = {is_below ? state.subjects[parent].handle.bits : 0};
    belay_handle handle = {0};
    belay_status status = BELAY_OK;
    if (self->handle.bits != 0) {
        state.stale[state.stale_count++ % INTERPRETER_STALE] = self->handle;
    }
    bool is_bound = operation == BIND || operation == BIND_BELOW;
    if (is_bound) {
        take_slot(place);
        status = belay__bind_own(self->slot, state.types[type].id,
                &state.bad_codes[place], bytes, above.bits, 0, 0, &handle.bits);
    } else {
        let_go(place);
        belay_own_options options = {
                .size = sizeof options, .size_bytes = bytes, .parent = above};
        status = belay_own(state.types[type], &state.bad_codes[place], &options, &handle);
    }
    expect(words[operation], place, status,
            model_own(&state.model, place, type, parent, bytes));
    state.bad_codes[place] = 0;
    self->handle = handle;
    if (status == BELAY_OK) {
        self->lending = (lending){.net = borrower_net_of(handle)};
    }
    if (status != BELAY_OK && is_bound) {
        /* The slot is free, as one that was given back by hand. */
        (void)belay__or(&belay__bind_group(self->slot)->returned,
                UINT64_C(1) << (self->slot % BELAY__GROUP_SLOTS));
        let_go(place);
    }
}

static void close_one(interpreter_step operation, int place) {
    belay_handle handle = state.subjects[place].handle;
    int code = 0;
    int wanted_code = 0;
    if (operation == CLOSE) {
        belay_status status = belay_close(handle, &code);
        expect("close", place, status, model_close(&state.model, place, &wanted_code));
    } else {
        belay_status status = belay_close_wait(handle, 0, &code);
        expect("close_wait", place, status,
                model_close_wait(&state.model, place, &wanted_code));
    }
    if (code != wanted_code) {
        differ("close of %d gave code %d, not %d", place, code, wanted_code);
    }
}

static void use_stale(uint8_t how) {
    void *object = NULL;
    if (state.stale_count == 0) {
        return;
    }
    int known =
            state.stale_count < INTERPRETER_STALE ? state.stale_count : INTERPRETER_STALE;
    belay_handle handle = state.stale[how / 4 % known];
    switch (how % 4) {
    case 0:
        expect("borrow (stale)", -1, belay_borrow(handle, &object), BELAY_CLOSED);
        break;
    case 1:
        expect("return (stale)", -1, belay_return(handle), BELAY_NOT_BORROWED);
        break;
    case 2:
        expect("close (stale)", -1, belay_close(handle, NULL), BELAY_OK);
        break;
    default:
        expect("disown (stale)", -1, belay_disown(handle, &object), BELAY_CLOSED);
    }
}

/* What a lender does. */
static void lend(interpreter_step operation, int place, uint8_t how) {
    lending *self = &state.subjects[place].lending;
    if (!state.model.objects[place].is_live) {
        return;
    }
    if (operation == ASK) {
        lending_ask(self, how % 4 == 0);
    } else if (operation == GIVE && self->count > 0) {
        /* Its goroutine is not in the guards that this thread holds: as the worker, it
         * leaves what needs one to whoever leaves it. */
        state.model.is_worker = true;
        belay_status wanted = model_return(&state.model, place);
        state.model.is_worker = false;
        expect("give", place, lending_give(self, how % 2), wanted);
    } else if (operation == TAKE && lending_take(self)) {
        expect("take", place, BELAY_OK, model_borrow(&state.model, place));
    }
}

static void use(interpreter_step operation, int place, uint8_t how) {
    subject *self = &state.subjects[place];
    model_object *object = &state.model.objects[place];
    void *lent = NULL;
    belay_status wanted = BELAY_OK;
    belay_status status = BELAY_OK;
    switch (operation) {
    case BORROW:
    case BORROW_AGAIN:
        status = belay_borrow(self->handle, &lent);
        wanted = model_borrow(&state.model, place);
        break;
    case RETURN:
    case RETURN_AGAIN:
        if (self->lending.count > 0 && object->borrows == self->lending.count) {
            lend(GIVE, place, how);
            return;
        }
        status = belay_return(self->handle);
        wanted = model_return(&state.model, place);
        break;
    case DISOWN:
        status = belay_disown(self->handle, &lent);
        wanted = model_disown(&state.model, place);
        break;
    case RESIZE:
        status = belay_resize(self->handle, (uint64_t)how * 1000);
        wanted = model_resize(&state.model, place, (uint64_t)how * 1000);
        break;
    case REFUSE:
        object->bad_codes = state.bad_codes[place] = object->is_live ? how % 3 : 0;
        return;
    default: /* FORGET */
        if (self->slot != 0 && !self->is_net_dead) {
            self->is_net_dead = true;
            belay__bind_dead(self->slot, 1);
            model_forget(&state.model, place, self->slot);
        }
        return;
    }
    expect(words[operation], place, status, wanted);
    if (wanted == BELAY_OK && (operation == BORROW || operation == DISOWN) &&
            lent != &state.bad_codes[place]) {
        differ("%s of %d gave another object", words[operation], place);
    }
}

static void pump_all(void) {
    size_t ran = 0;
    for (int i = 0; i < MODEL_TYPES; i++) {
        ran += belay_type_pump(state.types[i]);
    }
    int wanted = model_pump(&state.model);
    if (ran != (size_t)wanted) {
        differ("the pump ran %zu, not %d", ran, wanted);
    }
}

static void operate(interpreter_step operation, int place, uint8_t how) {
    switch (operation) {
    case OWN:
    case OWN_BELOW:
    case BIND:
    case BIND_BELOW:
        own(operation, place, how);
        break;
    case CLOSE:
    case CLOSE_WAIT:
        if (state.subjects[place].handle.bits != 0) {
            close_one(operation, place);
        }
        break;
    case RUN:
        run_worker();
        break;
    case PUMP:
        pump_all();
        break;
    case STALE:
        use_stale(how);
        break;
    case ASK:
    case TAKE:
    case GIVE:
        lend(operation, place, how);
        break;
    default:
        if (state.subjects[place].handle.bits != 0) {
            use(operation, place, how);
        }
    }
    compare();
}

static bool is_any_live(void) {
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        if (state.model.objects[i].is_live) {
            return true;
        }
    }
    return false;
}

/* Lets everything go: no object and no slot may be left over. */
static void clean_up(void) {
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        operate(REFUSE, i, 0);
        while (state.model.objects[i].is_live && state.model.objects[i].borrows > 0) {
            operate(RETURN, i, 0);
        }
    }
    for (int round = 0; round < MODEL_OBJECTS && is_any_live(); round++) {
        for (int i = 0; i < MODEL_OBJECTS; i++) {
            operate(CLOSE, i, 0);
        }
        operate(RUN, 0, 0);
        operate(PUMP, 0, 0);
    }
    if (is_any_live()) {
        differ("objects are left that cannot be closed");
    }
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        if (state.subjects[i].slot != 0 && state.subjects[i].is_net_dead) {
            state.subjects[i].slot = 0;
        }
        let_go(i);
    }
    if (belay_drain(0) != BELAY_OK) {
        differ("the queue is not empty at the end");
    }
}

void interpreter_run(const uint8_t *bytes, size_t length, bool is_loud) {
    if (!state.is_started) {
        interpreter_start();
    }
    model_start(&state.model);
    memset(state.subjects, 0, sizeof state.subjects);
    memset(state.bad_codes, 0, sizeof state.bad_codes);
    state.log_count = 0;
    for (int i = 0; i < MODEL_TYPES; i++) {
        belay_type_stats(state.types[i], &state.before[i]);
    }
    size_t steps = length / INTERPRETER_STEP;
    for (state.step = 0; state.step < steps; state.step++) {
        const uint8_t *at = bytes + state.step * INTERPRETER_STEP;
        interpreter_step operation = at[0] % OPERATIONS;
        int place = at[1] % MODEL_OBJECTS;
        if (state.model.log_count > MODEL_LOG - 100) {
            break;
        }
        if (is_loud) {
            fprintf(stderr, "    %3zu %s %d (%s, parent %d)\n", state.step,
                    words[operation], place, model_types[at[2] % MODEL_TYPES].name,
                    at[2] / MODEL_TYPES % MODEL_OBJECTS);
        }
        operate(operation, place, at[2]);
    }
    clean_up();
}
