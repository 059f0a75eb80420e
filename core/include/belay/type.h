/* SPDX-License-Identifier: MIT */
/* type.h - what the core must know of a kind of C object.
 *
 *   create -> own objects of it (handle.h) -> types live as long as the program
 *
 * Every function is safe to call from any thread. */
#ifndef BELAY_TYPE_H
#define BELAY_TYPE_H

#include <stddef.h>
#include <stdint.h>

#include "belay/status.h"
#include "belay/vocabulary.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef BELAY_BUILDING
/* A program built against another interface does not link: this names what it wants. */
__attribute__((used)) static const int *const belay__link_version = &BELAY_LINK_VERSION;
#endif

typedef struct belay_type {
    uint32_t id; /* 0 is never a valid type */
} belay_type;

/* Destroys `object`. The code goes through the type's on-error rule.
 * Called once an object, or again after it refused; never with a lock of Belay held. */
typedef int (*belay_destroy_fn)(void *context, void *object);

/* Destroys `count` objects and writes one code each. The net uses it, so that a language
 * binding pays one crossing for a batch. count is 1 to BELAY_BATCH_MAX. */
typedef void (*belay_destroy_many_fn)(
        void *context, void *const *objects, int *codes, size_t count);
#define BELAY_BATCH_MAX 64

/* Says what a non-zero code means: BELAY_ON_ERROR_GONE, _KEPT or _IGNORE. */
typedef belay_on_error (*belay_judge_fn)(void *context, int code);

/* Tells how many bytes of C memory `object` holds. Called under the type's guard. */
typedef uint64_t (*belay_size_fn)(void *context, void *object);

typedef struct belay_type_options {
    size_t size;              /* sizeof(belay_type_options): the struct may grow */
    const char *name;         /* copied; at most BELAY_TYPE_NAME_MAX bytes; not empty */
    belay_destroy_fn destroy; /* NULL: nothing to destroy; belay_destroy_free: free() */
    belay_destroy_many_fn destroy_many; /* or NULL */
    void *context;                      /* kept; handed to the callbacks */
    belay_judge_fn judge;               /* with BELAY_ON_ERROR_JUDGE */
    belay_size_fn size_of;              /* or NULL: the fixed size counts */
    uint64_t size_bytes; /* of one object, unless own says otherwise; 0: unknown */
    belay_on_error on_error;
    belay_guard guard;
    belay_thread thread;
    belay_net net;
    belay_children children;
} belay_type_options;

#define BELAY_TYPE_NAME_MAX 111

/* Registers a type. Keeps the callbacks and the context for the life of the program. Two
 * types may have one name, as those of two packages that know nothing of each other: they
 * are counted apart, and a reader of the ledger sees two ids with that name.
 *
 * Errors: BELAY_INVALID - a field is out of its range, or the name is empty or too long;
 * BELAY_TABLE_FULL - there are BELAY_TYPE_MAX types already; BELAY_OUT_OF_MEMORY. */
BELAY_CHECK_RESULT BELAY_API belay_status belay_type_create(
        const belay_type_options *options, belay_type *out_type);

#define BELAY_TYPE_MAX 1023

/* The destructor of plain malloc'ed memory. The core calls free() itself where it sees
 * it. */
BELAY_API int belay_destroy_free(void *context, void *object);

/* Runs the destructors waiting for a pumped type, in the order of their closes, on this
 * thread, from now on its only one. Returns how many waited; parents that waited for them
 * are destroyed as well. */
BELAY_API size_t belay_type_pump(belay_type type);

/* Around a BELAY_DROP: a pointer of the wrong kind is an error, as it always is in C++.
 */
#ifdef __cplusplus
#define BELAY__STRICT_BEGIN
#define BELAY__STRICT_END
#else
#define BELAY__STRICT_BEGIN                                                              \
    _Pragma("GCC diagnostic push")                                                       \
            _Pragma("GCC diagnostic error \"-Wincompatible-pointer-types\"")
#define BELAY__STRICT_END _Pragma("GCC diagnostic pop")
#endif

/* Writes a trampoline `int name(void *context, void *object)` around an expression over
 * `p`, a T *. The expression's value is the code; the compiler checks T.
 *
 *   BELAY_DROP(drop_db, sqlite3, sqlite3_close(p))       int f(T *)
 *   BELAY_DROP(drop_box, box, (box_free(p), 0))          void f(T *), or a macro
 *   BELAY_DROP(drop_ref, box, (box_unref(&p), 0))        void f(T **)
 *
 * Weak, so that a cgo preamble may hold it; with //export put it into a .c file. */
#define BELAY_DROP(name, T, expression)                                                  \
    BELAY__STRICT_BEGIN                                                                  \
    __attribute__((weak)) int name(void *context, void *object);                         \
    __attribute__((weak)) int name(void *context, void *object) {                        \
        T *p = (T *)object;                                                              \
        (void)context;                                                                   \
        return (expression);                                                             \
    }                                                                                    \
    BELAY__STRICT_END

#ifdef __cplusplus
}
#endif

#endif
