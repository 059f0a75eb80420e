/* SPDX-License-Identifier: MIT */
/* account.h - counters, sharded: shards 0 to 63 are Go's stripes, 64 to 79 the core's. */
#ifndef BELAY__ACCOUNT_H
#define BELAY__ACCOUNT_H

#include "belay/account.h"

#include <stdbool.h>

#include "belay/ledger.h"

#include "atomic.h"

/* What one open costs of its shard's credit beside its bytes, so that peaks of small
 * objects are seen too: every 1024 opens at most. */
#define BELAY__ACCOUNT_OPERATION_BYTES 256

/* Makes the counters of a new type, whose objects have size_bytes each. */
bool belay__account_add(uint32_t type, uint64_t size_bytes);

/* The counters of a registered type. */
belay_ledger_counters *belay__account_of(uint32_t type);

void belay__account_opened(uint32_t type, uint64_t size_bytes);
void belay__account_gone(uint32_t type, uint64_t count, uint64_t size_bytes);
void belay__account_resized(uint32_t type, uint64_t old_bytes, uint64_t new_bytes);

/* Looks at the total, peaks and the watch, and gives the shard new credit. */
void belay__account_flush(uint32_t type, uint32_t shard);

/* The survivor epoch of objects opened now. */
uint32_t *belay__account_epoch(void);

#define belay__account_count(type, counter)                                              \
    ((void)belay__add_relaxed(&belay__account_of(type)->counter, 1))

#endif
