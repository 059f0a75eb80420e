/* SPDX-License-Identifier: MIT */
/* status.h - what a call came to.
 *
 * Zero is success. One list makes the enum, the texts here and the errors of the Go
 * package. Every function is safe to call from any thread. */
#ifndef BELAY_STATUS_H
#define BELAY_STATUS_H

#include "belay/export.h"

#define BELAY_STATUS_LIST(X)                                                             \
    X(OK, "success")                                                                     \
    X(INVALID, "an argument is not valid")                                               \
    X(OUT_OF_MEMORY, "out of memory")                                                    \
    X(TABLE_FULL, "no room for another handle or type")                                  \
    X(CLOSED, "the object is closed")                                                    \
    X(BUSY, "the object is in use")                                                      \
    X(TOO_MANY_BORROWS, "the object is borrowed too many times at once")                 \
    X(NOT_BORROWED, "returned without a borrow")                                         \
    X(REFUSED, "the destructor refused: the object is still open")                       \
    X(DESTROY_FAILED, "the destructor gave an error; the object is gone")                \
    X(ALREADY_OWNED, "another handle owns this pointer already")                         \
    X(WRONG_THREAD, "the object may not be used on this thread")                         \
    X(WOULD_DEADLOCK, "waiting for this object could never end")                         \
    X(TIMED_OUT, "the deadline passed")                                                  \
    X(SYSTEM, "the operating system refused")

#define BELAY__STATUS_ENUM(name, text) BELAY_##name,

typedef enum belay_status {
    BELAY_STATUS_LIST(BELAY__STATUS_ENUM) BELAY_STATUS_COUNT
} belay_status;

/* Returns the text of a status: static, never NULL. */
BELAY_API const char *belay_status_text(belay_status status);

#endif
