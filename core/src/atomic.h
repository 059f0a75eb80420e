/* SPDX-License-Identifier: MIT */
/* atomic.h - every atomic operation of the core goes through these.
 *
 * The explorer (core/test/explorer) builds the core with BELAY__EXPLORE and gets a
 * scheduling point before each one. Words are plain uint64_t/uint32_t, so that Go and
 * readers of the ledger share them. No fences: ThreadSanitizer does not model them. */
#ifndef BELAY__ATOMIC_H
#define BELAY__ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#ifdef BELAY__EXPLORE
void belay__explore_point(const char *where); /* lets another simulated thread run */
#define BELAY__POINT() belay__explore_point(__func__)
#else
#define BELAY__POINT() ((void)0)
#endif

#define belay__load_relaxed(address)                                                     \
    (BELAY__POINT(), __atomic_load_n((address), __ATOMIC_RELAXED))
#define belay__load(address)                                                             \
    (BELAY__POINT(), __atomic_load_n((address), __ATOMIC_ACQUIRE))
#define belay__store_relaxed(address, value)                                             \
    (BELAY__POINT(), __atomic_store_n((address), (value), __ATOMIC_RELAXED))
#define belay__store(address, value)                                                     \
    (BELAY__POINT(), __atomic_store_n((address), (value), __ATOMIC_RELEASE))
#define belay__swap(address, value)                                                      \
    (BELAY__POINT(), __atomic_exchange_n((address), (value), __ATOMIC_ACQ_REL))
#define belay__add(address, value)                                                       \
    (BELAY__POINT(), __atomic_fetch_add((address), (value), __ATOMIC_ACQ_REL))
#define belay__add_relaxed(address, value)                                               \
    (BELAY__POINT(), __atomic_fetch_add((address), (value), __ATOMIC_RELAXED))
#define belay__or(address, value)                                                        \
    (BELAY__POINT(), __atomic_fetch_or((address), (value), __ATOMIC_SEQ_CST))
#define belay__and(address, value)                                                       \
    (BELAY__POINT(), __atomic_fetch_and((address), (value), __ATOMIC_SEQ_CST))

/* Plain fields that another thread may read while they change: whole words, no order, and
 * no scheduling point, since their publication has one. */
#define belay__get(address) __atomic_load_n((address), __ATOMIC_RELAXED)
#define belay__put(address, value) __atomic_store_n((address), (value), __ATOMIC_RELAXED)
/* The same, before the state is looked at once more. */
#define belay__get_first(address) __atomic_load_n((address), __ATOMIC_ACQUIRE)

/* Compare-and-swap; on failure *expected is what was there. */
#define belay__cas(address, expected, desired)                                           \
    (BELAY__POINT(), __atomic_compare_exchange_n((address), (expected), (desired),       \
                             false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))

#endif
