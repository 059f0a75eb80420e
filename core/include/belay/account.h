/* SPDX-License-Identifier: MIT */
/* account.h - how many objects and how many bytes.
 *
 * Counters are sharded and read without stopping anyone: a reading is exact when the
 * program is quiet and at most a few operations off when it is not.
 * Every function is safe to call from any thread. */
#ifndef BELAY_ACCOUNT_H
#define BELAY_ACCOUNT_H

#include <stdint.h>

#include "belay/status.h"
#include "belay/type.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct belay_stats {
    uint64_t opened;
    uint64_t closed;  /* destroyed because the program closed it */
    uint64_t rescued; /* destroyed because the net found it */
    uint64_t leaked;  /* destroyed by a shutdown, never closed */
    uint64_t disowned;
    uint64_t refused; /* times a destructor refused */
    uint64_t failed;  /* gone with an error code */
    uint64_t misused; /* calls refused as misuse: closed, stale, not borrowed, ... */
    uint64_t live;    /* opened and not yet gone */
    uint64_t live_bytes;
    uint64_t live_peak;  /* of live; sampled when a shard flushes: may miss short peaks */
    uint64_t bytes_peak; /* of live_bytes, likewise */
} belay_stats;

/* Reads the counters of one type, or of all with the zero type. */
BELAY_API void belay_type_stats(belay_type type, belay_stats *out_stats);

/* Returns the name of a type; "?" for one that is not registered. */
BELAY_API const char *belay_type_name(belay_type type);

/* Returns the number of registered types; their ids are 1 to that. */
BELAY_API uint32_t belay_type_count(void);

/* Calls `notify` from a thread that opened something or made it larger, holding no lock,
 * when the live bytes of all types were seen at or above `threshold_bytes`; once, until
 * set again. A shard looks after every BELAY_CREDIT_BYTES that were opened, or sooner, so
 * that the call may come late by that much a shard. NULL takes it away. A governor hangs
 * here. */
typedef void (*belay_account_fn)(void *data, uint64_t live_bytes);
BELAY_API void belay_account_watch(
        uint64_t threshold_bytes, belay_account_fn notify, void *data);

#define BELAY_CREDIT_BYTES (UINT64_C(256) * 1024)

/* Advances the survivor epoch: objects opened from here on carry the new number. Returns
 * it. A governor calls it when a collection starts, to tell survivors from newcomers. */
BELAY_API uint32_t belay_epoch_advance(void);

#ifdef __cplusplus
}
#endif

#endif
