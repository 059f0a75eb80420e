/* SPDX-License-Identifier: MIT */
/* stress.c - eight threads own, lend, close, disown and forget the same objects.
 *
 * BELAY_STRESS_SECONDS (3), BELAY_STRESS_THREADS (8) and BELAY_STRESS_SEED say how. Each
 * object is malloc'ed and freed by its destructor, so that AddressSanitizer sees a use
 * after the end; it counts who is inside, so that a guard that lets two in is seen. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "belay/belay.h"

#include "binding.h"

#define STRESS_CELLS 128
#define STRESS_THREADS_MAX 64
#define STRESS_ALIVE UINT32_C(0xa11fe)
#define STRESS_GONE UINT32_C(0xdead)

#define stress_require(condition)                                                        \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,            \
                    #condition);                                                         \
            abort();                                                                     \
        }                                                                                \
    } while (0)

/* A library that takes one thread at a time, which may enter again. Plain words: if a
 * guard let two in, or did not order one after the other, ThreadSanitizer would see it
 * too. */
typedef struct library {
    pthread_t thread;
    int depth;
} library;

typedef struct object {
    uint32_t magic;
    uint32_t lent;     /* borrows out, by the threads' own count */
    uint32_t children; /* not gone yet */
    int refusals;      /* left to give */
    struct object *parent;
    struct object *root;
    library *inside; /* NULL: takes any number of calls */
    library own;
} object;

enum { SHARED, REFUSING, HOLDING, EXCLUSIVE, DOMAIN, SERIAL, BATCHED, TYPES };

static belay_type stress_types[TYPES];
static uint64_t stress_cells[STRESS_CELLS]; /* handles, shared by all */
static library stress_serial;
static uint64_t stress_made = 0;
static uint64_t stress_freed = 0;
static uint64_t stress_operations = 0;
static int stress_stop = 0;

static uint64_t random_next(uint64_t *seed) { /* xorshift64* (Vigna) */
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

static void enter(library *self) {
    if (self == NULL) {
        return;
    }
    if (self->depth == 0) {
        self->thread = pthread_self();
    }
    stress_require(pthread_equal(self->thread, pthread_self()));
    self->depth++;
}

static void leave(library *self) {
    if (self == NULL) {
        return;
    }
    stress_require(pthread_equal(self->thread, pthread_self()));
    stress_require(self->depth > 0);
    self->depth--;
}

static int object_destroy(void *context, void *pointer) {
    object *self = pointer;
    (void)context;
    stress_require(__atomic_load_n(&self->magic, __ATOMIC_ACQUIRE) == STRESS_ALIVE);
    stress_require(__atomic_load_n(&self->lent, __ATOMIC_ACQUIRE) == 0);
    stress_require(__atomic_load_n(&self->children, __ATOMIC_ACQUIRE) == 0);
    enter(self->inside);
    leave(self->inside);
    if (self->refusals > 0) {
        self->refusals--;
        return 5;
    }
    stress_require(__atomic_exchange_n(&self->magic, STRESS_GONE, __ATOMIC_ACQ_REL) ==
                   STRESS_ALIVE);
    if (self->parent) {
        __atomic_fetch_sub(&self->parent->children, 1, __ATOMIC_ACQ_REL);
    }
    free(self);
    __atomic_fetch_add(&stress_freed, 1, __ATOMIC_RELAXED);
    return 0;
}

static void object_destroy_many(
        void *context, void *const *objects, int *codes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        codes[i] = object_destroy(context, objects[i]);
    }
}

static uint64_t object_size(void *context, void *pointer) {
    object *self = pointer;
    (void)context;
    stress_require(__atomic_load_n(&self->magic, __ATOMIC_ACQUIRE) == STRESS_ALIVE);
    enter(self->inside);
    leave(self->inside);
    return sizeof *self;
}

static object *object_make(int type, object *parent, uint64_t random) {
    object *self = calloc(1, sizeof *self);
    stress_require(self != NULL);
    self->magic = STRESS_ALIVE;
    self->root = parent ? parent->root : self;
    self->inside = type == EXCLUSIVE ? &self->own
                   : type == DOMAIN  ? &self->root->own
                   : type == SERIAL  ? &stress_serial
                                     : NULL;
    self->refusals = type == REFUSING && random % 8 == 0;
    self->parent = parent;
    if (parent) {
        __atomic_fetch_add(&parent->children, 1, __ATOMIC_ACQ_REL);
    }
    __atomic_fetch_add(&stress_made, 1, __ATOMIC_RELAXED);
    return self;
}

/* The caller still owns it. */
static void object_unmake(object *self) {
    if (self->parent) {
        __atomic_fetch_sub(&self->parent->children, 1, __ATOMIC_ACQ_REL);
    }
    free(self);
    __atomic_fetch_add(&stress_freed, 1, __ATOMIC_RELAXED);
}

static belay_handle cell_get(uint64_t random) {
    return (belay_handle){
            __atomic_load_n(&stress_cells[random % STRESS_CELLS], __ATOMIC_ACQUIRE)};
}

/* Puts a handle into a cell and closes what was there. */
static void cell_put(uint64_t random, belay_handle handle) {
    belay_handle old = {__atomic_exchange_n(
            &stress_cells[random % STRESS_CELLS], handle.bits, __ATOMIC_ACQ_REL)};
    belay_status status = belay_close(old, NULL);
    stress_require(status == BELAY_OK || status == BELAY_REFUSED);
}

/* Owns a new object; the zero handle when its parent takes none. */
static belay_handle own(uint64_t random, object *parent_object, belay_handle parent) {
    int type = (int)((random >> 8) % TYPES);
    object *self = object_make(type, parent_object, random >> 16);
    belay_own_options options = {.size = sizeof options,
            .size_bytes = sizeof *self,
            .parent = parent,
            .site = BELAY_HERE};
    belay_handle handle = {0};
    belay_status status = belay_own(stress_types[type], self, &options, &handle);
    if (status != BELAY_OK) {
        stress_require(status == BELAY_CLOSED && parent.bits != 0);
        object_unmake(self);
    }
    return handle;
}

static void borrow(uint64_t random, bool makes_child) {
    belay_handle handle = cell_get(random);
    belay_handle child = {0};
    void *lent = NULL;
    belay_status status = belay_borrow(handle, &lent);
    if (status != BELAY_OK) {
        stress_require(status == BELAY_CLOSED);
        return;
    }
    object *self = lent;
    __atomic_fetch_add(&self->lent, 1, __ATOMIC_ACQ_REL);
    enter(self->inside);
    stress_require(__atomic_load_n(&self->magic, __ATOMIC_ACQUIRE) == STRESS_ALIVE);
    if (random >> 56 == 0) { /* a callback inside the call */
        void *again = NULL;
        status = belay_borrow(handle, &again);
        stress_require(status == BELAY_OK || status == BELAY_CLOSED);
        if (status == BELAY_OK) {
            enter(self->inside);
            leave(self->inside);
            stress_require(belay_return(handle) == BELAY_OK);
        }
    }
    if (makes_child) {
        child = own(random, self, handle);
        stress_require(child.bits != 0); /* lent, so it takes children, closed or not */
    }
    leave(self->inside);
    __atomic_fetch_sub(&self->lent, 1, __ATOMIC_ACQ_REL);
    stress_require(belay_return(handle) == BELAY_OK);
    if (makes_child) {
        cell_put(random >> 32, child); /* closes another: not inside a guard */
    }
}

/* Only roots: a disowned child would have to tell a parent that may be gone. */
static void disown(uint64_t random) {
    void *back = NULL;
    belay_info info;
    belay_handle handle = cell_get(random);
    if (!belay_peek(handle, &info) || info.parent.bits != 0) {
        return;
    }
    belay_status status = belay_disown(handle, &back);
    stress_require(status == BELAY_OK || status == BELAY_CLOSED || status == BELAY_BUSY);
    if (status == BELAY_OK) {
        object *self = back;
        stress_require(__atomic_exchange_n(&self->magic, STRESS_GONE, __ATOMIC_ACQ_REL) ==
                       STRESS_ALIVE);
        stress_require(__atomic_load_n(&self->children, __ATOMIC_ACQUIRE) == 0);
        object_unmake(self);
    }
}

/* A group of slots with one net, filled, used by all, and forgotten. */
static void forget_group(uint64_t random) {
    uint32_t first = belay__bind_group_take(BELAY__GROUP_SHARED, NULL);
    stress_require(first != 0);
    int type = random & 1 ? BATCHED : (int)((random >> 8) % TYPES);
    for (uint32_t i = 0; i < BELAY__GROUP_SLOTS; i++) {
        object *self = object_make(type, NULL, random >> 16);
        belay_handle handle = {0};
        stress_require(belay__bind_own(first + i, stress_types[type].id, self,
                               sizeof *self, 0, 0, 0, &handle.bits) == BELAY_OK);
        if (i % 16 == 0) {
            cell_put(random >> i % 48, handle);
        }
    }
    belay__bind_dead(first, BELAY__GROUP_SLOTS);
}

/* Slots with a net each, some of them below a parent. */
static void forget_singles(uint64_t random) {
    for (int i = 0; i < 4; i++) {
        uint32_t slot = belay__bind_single_take();
        uint32_t count = 1;
        if (slot == 0) {
            slot = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
            count = BELAY__GROUP_SLOTS;
        }
        int type = (int)((random >> i % 8) % TYPES);
        object *self = object_make(type, NULL, random >> 16);
        belay_handle handle = {0};
        stress_require(belay__bind_own(slot, stress_types[type].id, self, sizeof *self, 0,
                               0, 0, &handle.bits) == BELAY_OK);
        cell_put(random >> (i * 5), handle);
        for (uint32_t j = 0; j < count; j++) {
            belay__bind_dead(slot + j, 1);
        }
    }
}

static int visit(void *data, belay_handle handle, const belay_info *info) {
    (void)handle;
    stress_require(info->type.id >= 1 && info->type.id <= TYPES);
    return ++*(int *)data > 50;
}

static void look(uint64_t random) {
    belay_info info;
    belay_stats stats;
    int seen = 0;
    (void)belay_peek(cell_get(random), &info);
    belay_live(visit, &seen);
    belay_type_stats((belay_type){0}, &stats);
    belay_status status = belay_resize(cell_get(random >> 20), random % 5000);
    stress_require(status == BELAY_OK || status == BELAY_CLOSED ||
                   status == BELAY_TOO_MANY_BORROWS);
    status = belay_measure(cell_get(random >> 30));
    stress_require(status == BELAY_OK || status == BELAY_CLOSED);
}

static void step(uint64_t random) {
    belay_status status = BELAY_OK;
    switch (random % 16) {
    case 0:
    case 1:
        cell_put(random >> 36, own(random >> 4, NULL, (belay_handle){0}));
        break;
    case 2:
    case 3:
        borrow(random >> 4, true);
        break;
    case 4:
    case 5:
        status = belay_close(cell_get(random >> 4), NULL);
        stress_require(status == BELAY_OK || status == BELAY_REFUSED);
        break;
    case 6:
        status = belay_close_wait(cell_get(random >> 4), random >> 40 & 3, NULL);
        stress_require(status == BELAY_OK || status == BELAY_REFUSED ||
                       status == BELAY_TIMED_OUT);
        break;
    case 7:
        disown(random >> 4);
        break;
    case 8:
        look(random >> 4);
        break;
    case 9:
        if (random >> 58 == 0) {
            forget_group(random >> 4);
        } else {
            forget_singles(random >> 4);
        }
        break;
    default:
        borrow(random >> 4, false);
    }
}

static void *stress_run(void *data) {
    uint64_t seed = *(uint64_t *)data;
    uint64_t count = 0;
    while (!__atomic_load_n(&stress_stop, __ATOMIC_RELAXED)) {
        step(random_next(&seed));
        count++;
    }
    __atomic_fetch_add(&stress_operations, count, __ATOMIC_RELAXED);
    return NULL;
}

static void make_types(void) {
    belay_type_options options[TYPES] = {
            [SHARED] = {.name = "shared"},
            [REFUSING] = {.name = "refusing"},
            [HOLDING] = {.name = "holding", .children = BELAY_CHILDREN_HOLD},
            [EXCLUSIVE] = {.name = "exclusive", .guard = BELAY_GUARD_EXCLUSIVE},
            [DOMAIN] = {.name = "domain", .guard = BELAY_GUARD_DOMAIN},
            [SERIAL] = {.name = "serial", .thread = BELAY_THREAD_SERIAL},
            [BATCHED] = {.name = "batched", .destroy_many = object_destroy_many},
    };
    for (int i = 0; i < TYPES; i++) {
        options[i].size = sizeof options[i];
        options[i].destroy = object_destroy;
        options[i].on_error = BELAY_ON_ERROR_KEPT;
        options[i].size_of = object_size;
        stress_require(belay_type_create(&options[i], &stress_types[i]) == BELAY_OK);
    }
}

static uint64_t wish(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* Nothing may be left: what was made is gone, once. */
static void stress_end(void) {
    belay_remains remains;
    belay_stats stats;
    for (int i = 0; i < STRESS_CELLS; i++) {
        cell_put((uint64_t)i, (belay_handle){0});
    }
    stress_require(belay_drain(60000) == BELAY_OK);
    for (int tries = 0; tries < 10; tries++) { /* some refuse once more */
        (void)belay_shutdown(100, &remains);
    }
    stress_require(belay_shutdown(60000, &remains) == BELAY_OK);
    belay_type_stats((belay_type){0}, &stats);
    stress_require(stats.live == 0);
    stress_require(stats.live_bytes == 0);
    stress_require(
            stats.opened == stats.closed + stats.rescued + stats.leaked + stats.disowned);
    stress_require(stress_made == stress_freed);
    printf("%" PRIu64 " operations, %" PRIu64 " opened, %" PRIu64 " closed, %" PRIu64
           " rescued, %" PRIu64 " disowned, %" PRIu64 " leaked, %" PRIu64 " refused\n",
            stress_operations, stats.opened, stats.closed, stats.rescued, stats.disowned,
            stats.leaked, stats.refused);
}

int main(void) {
    uint64_t threads = wish("BELAY_STRESS_THREADS", 8);
    uint64_t seconds = wish("BELAY_STRESS_SECONDS", 3);
    uint64_t seed = wish("BELAY_STRESS_SEED", 1);
    pthread_t ids[STRESS_THREADS_MAX];
    uint64_t seeds[STRESS_THREADS_MAX];
    threads = threads > STRESS_THREADS_MAX ? STRESS_THREADS_MAX : threads;
    make_types();
    for (uint64_t i = 0; i < threads; i++) {
        seeds[i] = (seed * 1000 + i) * UINT64_C(0x9e3779b97f4a7c15) + 1;
        stress_require(pthread_create(&ids[i], NULL, stress_run, &seeds[i]) == 0);
    }
    nanosleep(&(struct timespec){.tv_sec = (time_t)seconds}, NULL);
    __atomic_store_n(&stress_stop, 1, __ATOMIC_RELAXED);
    for (uint64_t i = 0; i < threads; i++) {
        stress_require(pthread_join(ids[i], NULL) == 0);
    }
    stress_end();
    return 0;
}
