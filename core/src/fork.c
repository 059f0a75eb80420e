/* SPDX-License-Identifier: MIT */
#include "fork.h"

#include <stddef.h>

/* The order of the locks: who holds one may take those of later lines, never the other
 * way. Only the first lines nest at all, each with the ledger's. The ledger's part is the
 * child's first: nothing may be written before it has memory of its own. The binding's is
 * its last: it goes through the locks as everyone does. */
static void (*const fork_order[])(belay__fork_step step) = {
        belay__binding_fork,
        belay__start_fork,
        belay__type_fork,
        belay__site_fork,
        belay__table_fork, /* stripes, then the table's own */
        belay__family_fork,
        belay__lender_fork,
        belay__guard_fork,
        belay__address_fork,
        belay__account_fork,
        belay__queue_fork,
        belay__rescue_fork, /* has no lock */
        belay__report_fork,
        belay__watch_fork,
        belay__process_fork,
        belay__ledger_fork,
};

#define FORK_COUNT (sizeof fork_order / sizeof fork_order[0])

static void fork_after(belay__fork_step step) {
    for (size_t i = FORK_COUNT; i > 0; i--) {
        fork_order[i - 1](step);
    }
}

void belay__fork_before(void) {
    for (size_t i = 0; i < FORK_COUNT; i++) {
        fork_order[i](BELAY__FORK_BEFORE);
    }
}

void belay__fork_parent(void) {
    fork_after(BELAY__FORK_PARENT);
}

void belay__fork_child(void) {
    fork_after(BELAY__FORK_CHILD);
}
