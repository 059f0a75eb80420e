/* SPDX-License-Identifier: MIT */
#include "start.h"

#include "atomic.h"
#include "fork.h"
#include "ledger.h"
#include "lock.h"
#include "platform.h"
#include "report.h"
#include "setting.h"

static belay__lock start_lock = BELAY__LOCK_INIT;
static uint32_t start_is_done = 0;

/* Before main: a fork in the middle of the first use finds the handlers there. */
__attribute__((constructor)) static void start_at_load(void) {
    belay__process_at_fork(belay__fork_before, belay__fork_parent, belay__fork_child);
}

static bool start_take_wrong(belay__wrong_setting *out_wrong) {
    belay__lock_take(&start_lock);
    bool is_one = belay__setting_take_wrong(out_wrong);
    belay__lock_drop(&start_lock);
    return is_one;
}

void belay__start(void) {
    if (belay__load(&start_is_done)) {
        return;
    }
    belay__lock_take(&start_lock);
    if (!start_is_done) {
        belay__ledger_start();
        belay__report_start();
        belay__store(&start_is_done, 1);
    }
    belay__lock_drop(&start_lock);
    /* Under no lock: who holds the stream may be waiting for us. */
    belay__wrong_setting wrong;
    while (start_take_wrong(&wrong)) {
        belay__report_wrong_setting(&wrong);
    }
}

void belay__start_fork(belay__fork_step step) {
    belay__fork_lock(&start_lock, step);
}
