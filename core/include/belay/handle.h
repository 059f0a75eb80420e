/* SPDX-License-Identifier: MIT */
/* handle.h - names for C objects.
 *
 * A handle names one C object. It stays safe to use after the object is gone: a stale
 * handle is refused, never dereferenced.
 *
 *   own -> borrow/return (any thread, any number) -> close -> destroyed once
 *
 * Every function is safe to call from any thread, from destructors and from callbacks.
 * The whole protocol is in docs/internals/handle.md. */
#ifndef BELAY_HANDLE_H
#define BELAY_HANDLE_H

#include <stddef.h>
#include <stdint.h>

#include "belay/status.h"
#include "belay/type.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct belay_handle {
    /* Generation (40) | index (24); 0 is never a valid handle. Only what belay_own,
     * belay_live, a belay_info or a report gave is one: none is made up, or read from the
     * ledger, since the net must know of those who may use it. */
    uint64_t bits;
} belay_handle;

typedef struct belay_own_options {
    size_t size;         /* sizeof(belay_own_options) */
    uint64_t size_bytes; /* C memory the object holds; 0: the type's size */
    belay_handle parent; /* destroyed after this object; 0: none */
    const char *site;    /* where it was opened: BELAY_HERE, or NULL. Static text: kept */
} belay_own_options;

#define BELAY__TEXT(x) #x
#define BELAY__LINE(x) BELAY__TEXT(x)

/* "file:line" of this line, for belay_own_options.site. */
#define BELAY_HERE __FILE__ ":" BELAY__LINE(__LINE__)

/* Takes ownership of `object`, a pointer of the kind `type`. options may be NULL.
 *
 * On any error the caller still owns the object.
 * Errors: BELAY_CLOSED - the parent is closed and idle; BELAY_OUT_OF_MEMORY or
 * BELAY_TABLE_FULL - no room for the handle; BELAY_ALREADY_OWNED (level all only);
 * BELAY_INVALID - object is NULL or the type is none; BELAY_WRONG_THREAD - parent is
 * pinned to another thread. */
BELAY_CHECK_RESULT BELAY_API belay_status belay_own(belay_type type, void *object,
        const belay_own_options *options, belay_handle *out_handle);

/* Lends the object: it cannot be destroyed until it is returned, once for each borrow.
 * A guarded type (type.h) is entered here and left at the return, by the same thread; a
 * thread may borrow again what it already borrowed.
 *
 * Errors: BELAY_CLOSED; BELAY_TOO_MANY_BORROWS - 16,383 are out; BELAY_WRONG_THREAD;
 * BELAY_WOULD_DEADLOCK - a goroutine held the guard for longer than the guard limit. */
BELAY_CHECK_RESULT BELAY_API belay_status belay_borrow(
        belay_handle handle, void **out_object);

/* Gives a borrow back. The last one of a closed object destroys it, here.
 *
 * Errors: BELAY_NOT_BORROWED - reported, nothing changes. */
BELAY_API belay_status belay_return(belay_handle handle);

/* Gives the object up. Idle: destroyed here. In use, by borrows or by children in use:
 * returns BELAY_OK at once, and the last use destroys it. Closing a closed object, a
 * stale handle or the zero handle is BELAY_OK.
 *
 * out_code  the destructor's code, if it ran here; may be NULL
 *
 * Errors: BELAY_REFUSED - the object, or a child, would not go: it is open again;
 * BELAY_DESTROY_FAILED - gone, but the destructor gave a code; BELAY_WRONG_THREAD - it is
 * pinned to another thread and stays open. */
BELAY_API belay_status belay_close(belay_handle handle, int *out_code);

/* Closes, and waits until the object is destroyed.
 *
 * Errors: those of belay_close; BELAY_TIMED_OUT - still in use (it stays closed);
 * BELAY_WOULD_DEADLOCK - this thread holds the guarded borrow it would wait for. */
BELAY_API belay_status belay_close_wait(
        belay_handle handle, uint64_t timeout_ms, int *out_code);

/* Gives the object back to the caller, who owns it from here. No destructor runs, now or
 * from the net.
 *
 * Errors: BELAY_CLOSED; BELAY_BUSY - it is borrowed or has children. */
BELAY_CHECK_RESULT BELAY_API belay_status belay_disown(
        belay_handle handle, void **out_object);

/* Changes the number of bytes accounted for the object.
 * Errors: BELAY_CLOSED; BELAY_WRONG_THREAD - it is pinned to another thread;
 * BELAY_TOO_MANY_BORROWS. */
BELAY_API belay_status belay_resize(belay_handle handle, uint64_t size_bytes);

/* Asks the type's size callback, under its guard, and accounts the answer.
 * Errors: those of belay_borrow; BELAY_INVALID - the type has no size callback. */
BELAY_API belay_status belay_measure(belay_handle handle);

typedef struct belay_info {
    belay_type type;
    const void *object; /* to compare, not to use */
    uint64_t size_bytes;
    uint64_t age_ms; /* since it was opened, to about 0.1 s */
    belay_handle parent;
    uint32_t borrow_count;
    uint32_t is_closed; /* close was asked, a use delays it */
    const char *site;   /* static; "?" when unknown */
} belay_info;

/* Looks at an object without a right to keep it. False: closed and gone, or stale. */
BELAY_API int belay_peek(belay_handle handle, belay_info *out_info);

/* Calls `visit` for every open object, in the order of the table, without stopping the
 * program; an object that changes meanwhile may or may not be seen. What the net is about
 * to end counts as closed, and its handle is 0. A non-zero result ends the walk. */
typedef int (*belay_visit_fn)(void *data, belay_handle handle, const belay_info *info);
BELAY_API void belay_live(belay_visit_fn visit, void *data);

#ifdef __cplusplus
}
#endif

#endif
