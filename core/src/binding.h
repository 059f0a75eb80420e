/* SPDX-License-Identifier: MIT */
/* binding.h - what a language with a collector drives the core by.
 *
 * The Go package is its only user. The fast paths there act on slots and groups
 * themselves (slot.h); everything else comes through here. An identity is who holds a
 * guard: the address of something that only this goroutine or thread has, at least
 * 8-aligned, with BELAY__IDENTITY_FOREIGN for a goroutine. Every function is safe from
 * any thread. */
#ifndef BELAY__BINDING_H
#define BELAY__BINDING_H

#include "belay/handle.h"
#include "belay/process.h"
#include "belay/report.h"

#include "lender.h"

#define BELAY__IDENTITY_WAITED UINT64_C(1)  /* in cold.owner: someone waits */
#define BELAY__IDENTITY_FOREIGN UINT64_C(2) /* a goroutine */

typedef struct belay__hooks {
    /* A guard that foreign waiters were noted for was left by C: wake one of them. */
    void (*guard_left)(uint32_t guard);
    /* A WATCHED object ended: gone (status OK or DESTROY_FAILED) or open again (REFUSED).
     */
    void (*ended)(uint64_t handle, uint32_t status, int code);
} belay__hooks;

/* Sets the hooks, once, before anything else. Copies them. */
void belay__bind_hooks(const belay__hooks *hooks);

/* Takes 64 fresh slots for nets of `kind` (BELAY__GROUP_SHARED or _EXACT). Returns the
 * index of the first, a multiple of 64 except that index 0 itself is never usable: its
 * group is the core's. 0: no room, and *out_status, unless NULL, says why.
 *
 * Errors: BELAY_OUT_OF_MEMORY; BELAY_TABLE_FULL - reported. */
uint32_t belay__bind_group_take(uint32_t kind, belay_status *out_status);

/* Takes one slot of an EXACT group whose net died and whose object is gone. 0: none. */
uint32_t belay__bind_single_take(void);

belay__slot *belay__bind_slot(uint32_t index);
belay__group *belay__bind_group(uint32_t index);

/* The counters of a type, and the word that holds the coarse clock (belay_ledger_header
 * now_ms); 0 there means the clock sleeps: call belay__bind_clock_wake. */
belay_ledger_counters *belay__bind_counters(uint32_t type);
uint64_t *belay__bind_clock(void);
uint64_t belay__bind_clock_wake(void);
uint32_t *belay__bind_epoch(void);

/* The net of `count` slots (1 or 64) from `first` died. Only pushes: a few bits. */
void belay__bind_dead(uint32_t first, uint32_t count);

/* A shard of a type opened more than its credit: looks at peaks and the watch. */
void belay__bind_flush(uint32_t type, uint32_t shard);

/* Interns the text of a site ("function file:line"); copies it. 0: no room, "?". */
uint32_t belay__bind_site(const char *text, size_t length);

/* Owns an object in the free slot `index`, which the caller has the right to. flags: 0 or
 * BELAY_STATE_TRACED. Accounts it, in a shard of the core's. On failure the slot is still
 * free and the caller's. */
belay_status belay__bind_own(uint32_t index, uint32_t type, void *object,
        uint64_t size_bytes, uint64_t parent, uint32_t site, uint64_t flags,
        uint64_t *out_handle);

/* Guarded borrow. BELAY_BUSY: the guard is taken; a foreign waiter is noted, and
 * *out_guard is the guard whose guard_left will come. Without waiting, whatever the
 * identity. */
belay_status belay__bind_borrow(uint64_t handle, uint64_t identity, uint32_t site,
        void **out_object, uint32_t *out_guard);

/* Return of any borrow. *out_guard: a guard that foreign waiters wait for was left (the
 * hook is not called), or 0. */
belay_status belay__bind_return(
        uint64_t handle, uint64_t identity, uint32_t site, uint32_t *out_guard);

/* The records of standing loans (lender.h), for the fast path. */
belay__lender *belay__bind_lenders(void);

/* Asks for a standing loan, as belay__lender_ask. Returns a belay__lending; what was
 * another's is recalled. */
uint32_t belay__bind_lend(
        uint32_t index, uint64_t ref, uint64_t identity, uint16_t *out_lender);

/* The lender took one from `lent`, and saw that the object is not lent to it any more:
 * gives the borrow back if that was the last. */
void belay__bind_settle_lent(
        uint64_t handle, uint32_t lender, uint64_t identity, uint32_t site);

/* Return of a loan by another than its lender.
 * Errors: BELAY_NOT_BORROWED - reported. */
belay_status belay__bind_return_lent(
        uint64_t handle, uint32_t lender, uint64_t identity, uint32_t site);

/* Close. BELAY_BUSY with *out_guard as in belay__bind_borrow: nothing happened yet, come
 * back. *out_code as in belay_close. watch: sets WATCHED, so that the hook `ended` comes
 * unless the result is already known: then *out_ended is 1. */
belay_status belay__bind_close(uint64_t handle, uint64_t identity, uint32_t site,
        uint32_t watch, int *out_code, uint32_t *out_guard, uint32_t *out_ended);

/* Disown. The identity is for a parent that ends with it. */
belay_status belay__bind_disown(
        uint64_t handle, uint64_t identity, uint32_t site, void **out_object);

/* Ends an object that the caller claimed (LIVE|CLOSED|DYING) and whose destructor ran
 * with `code` (through the type's on-error rule). Counts and reports it; gone, the slot
 * is given back (an EXACT one: its bit in `returned`, for who clears it first to pool the
 * net). */
belay_status belay__bind_settle(uint64_t handle, uint32_t site, int code);

/* belay_shutdown, which stops waiting when *stop is not 0 any more. Whoever sets it uses
 * an atomic store. NULL: only the deadline counts. */
belay_status belay__bind_shutdown(
        uint64_t timeout_ms, const uint32_t *stop, belay_remains *out_remains);

/* Reports a misuse that Go's fast path refused. */
void belay__bind_misuse(
        uint32_t kind, uint64_t handle, uint32_t status, uint32_t used_site);

/* 1: BELAY_STDERR says whether reports go to standard error, and the core does so. 0:
 * that is its sink's business. */
uint32_t belay__bind_has_stderr_wish(void);

/* The text of a site: static; "?" for 0. */
const char *belay__bind_site_text(uint32_t site);

/* The identity of this thread. */
uint64_t belay__identity_self(void);

/* True for the identity of a thread that a fork left behind: it is in the parent only. */
bool belay__identity_is_gone(uint64_t identity);

#endif
