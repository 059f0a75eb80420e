/* SPDX-License-Identifier: MIT */
#include "start.h"

#include "atomic.h"
#include "ledger.h"
#include "lock.h"
#include "queue.h"
#include "report.h"

static belay__lock start_lock = BELAY__LOCK_INIT;
static uint32_t start_is_done = 0;

void belay__start(void) {
    if (belay__load(&start_is_done)) {
        return;
    }
    belay__lock_take(&start_lock);
    if (!start_is_done) {
        belay__ledger_start();
        belay__report_start();
        belay__queue_start();
        belay__store(&start_is_done, 1);
    }
    belay__lock_drop(&start_lock);
}
