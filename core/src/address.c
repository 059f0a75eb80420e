/* SPDX-License-Identifier: MIT */
#include "address.h"

#include <stddef.h>
#include <stdlib.h>

#include "atomic.h"
#include "fork.h"
#include "lock.h"
#include "table.h"

#define ADDRESS_FIRST_CELLS 1024u

typedef struct address_cell {
    uint64_t object; /* 0: empty */
    uint64_t handle; /* 0 with an object: deleted */
} address_cell;

/* Open addressing with linear probing; the load, deleted cells included, stays under 3/4.
 */
static belay__lock address_lock = BELAY__LOCK_INIT;
static address_cell *address_cells = NULL;
static uint64_t address_cell_count = 0; /* a power of two */
static uint64_t address_used = 0;       /* not empty */
static uint64_t address_live = 0; /* read without the lock: nothing to forget when 0 */

static uint64_t address_hash(uint64_t object) {
    uint64_t hash =
            object * UINT64_C(0x9e3779b97f4a7c15); /* Fibonacci hashing (Knuth 6.4) */
    return hash ^ (hash >> 32);
}

/* The cell of a pointer, or the empty one where it would go. */
static address_cell *address_find(address_cell *cells, uint64_t count, uint64_t object) {
    uint64_t at = address_hash(object) & (count - 1);
    while (cells[at].object != 0 && cells[at].object != object) {
        at = (at + 1) & (count - 1);
    }
    return &cells[at];
}

static void address_grow(void) {
    uint64_t count = ADDRESS_FIRST_CELLS;
    while (count < address_live * 4) {
        count *= 2;
    }
    address_cell *cells = calloc(count, sizeof *cells);
    if (cells == NULL) {
        return;
    }
    for (uint64_t i = 0; i < address_cell_count; i++) {
        if (address_cells[i].handle != 0) {
            *address_find(cells, count, address_cells[i].object) = address_cells[i];
        }
    }
    free(address_cells);
    address_cells = cells;
    address_cell_count = count;
    address_used = address_live;
}

/* False for a handle whose record was left behind: by an object that ended while the
 * level was lower, or whose destructor runs, so that the pointer may be another's
 * already. */
static bool address_is_owner(uint64_t handle) {
    belay_handle name = {handle};
    if (handle == 0) {
        return false;
    }
    uint64_t state = belay__load(&belay__table_slot(belay__handle_index(name))->state);
    return belay__state_is(state, name) && !(state & BELAY_STATE_DYING);
}

uint64_t belay__address_record(uint64_t object, uint64_t handle) {
    uint64_t owner = 0;
    belay__lock_take(&address_lock);
    if ((address_used + 1) * 4 > address_cell_count * 3) {
        address_grow();
    }
    if ((address_used + 1) * 4 <= address_cell_count * 3) {
        address_cell *cell = address_find(address_cells, address_cell_count, object);
        if (address_is_owner(cell->handle)) {
            owner = cell->handle;
        } else {
            address_used += cell->object == 0;
            belay__store_relaxed(&address_live, address_live + (cell->handle == 0));
            *cell = (address_cell){object, handle};
        }
    }
    belay__lock_drop(&address_lock);
    return owner;
}

bool belay__address_is_empty(void) {
    return belay__get(&address_live) == 0;
}

void belay__address_forget(uint64_t object, uint64_t handle) {
    if (belay__address_is_empty()) {
        return;
    }
    belay__lock_take(&address_lock);
    if (address_cell_count != 0) {
        address_cell *cell = address_find(address_cells, address_cell_count, object);
        if (cell->object == object && cell->handle == handle) {
            cell->handle = 0;
            belay__store_relaxed(&address_live, address_live - 1);
        }
    }
    belay__lock_drop(&address_lock);
}

void belay__address_fork(belay__fork_step step) {
    belay__fork_lock(&address_lock, step);
}
