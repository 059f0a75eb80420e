/* SPDX-License-Identifier: MIT */
/* vocabulary.h - the words that core, Go front, ownership table, generator and checker
 * share.
 *
 * Each list is an X-macro X(NAME, "word", "what it means"). The word is what files and
 * reports carry; the enum below each list is what programs carry. A new word goes at the
 * end of its list: the numbers are part of the ledger's format. */
#ifndef BELAY_VOCABULARY_H
#define BELAY_VOCABULARY_H

/* How a C object is destroyed. */
#define BELAY_DESTROY_LIST(X)                                                            \
    X(NOTHING, "nothing", "the handle only names the object")                            \
    X(FREE, "free", "free() of the C library")                                           \
    X(CALL, "call", "a function int (*)(void *context, void *object)")

/* What the destructor is handed. */
#define BELAY_INDIRECTION_LIST(X)                                                        \
    X(OBJECT, "object", "T *: the object itself")                                        \
    X(VARIABLE, "variable", "T **: the address of a variable that holds it, cleared")

/* Whether the destructor takes a context besides the object. */
#define BELAY_CONTEXT_LIST(X)                                                            \
    X(NONE, "none", "the object alone")                                                  \
    X(FIXED, "fixed", "one context for every object of the type")                        \
    X(PARENT, "parent", "the parent object comes first, as in free(parent, child)")

/* What a non-zero code of the destructor says about the object. */
#define BELAY_ON_ERROR_LIST(X)                                                           \
    X(GONE, "gone", "the code is an error, but the object is gone (sqlite3_finalize)")   \
    X(KEPT, "kept", "the destructor refused: the object lives on (sqlite3_close)")       \
    X(IGNORE, "ignore", "the code means nothing: gone, no error")                        \
    X(JUDGE, "judge", "a function of the type says which of the three it is")

/* Which calls into the library may overlap. Covers borrows, destructors, size callbacks.
 */
#define BELAY_GUARD_LIST(X)                                                              \
    X(SHARED, "shared", "the library is thread-safe: calls may overlap")                 \
    X(EXCLUSIVE, "exclusive", "one call at a time for each object")                      \
    X(DOMAIN, "domain", "one call at a time for a root object and all below it")

/* Which thread may call the library. */
#define BELAY_THREAD_LIST(X)                                                             \
    X(ANY, "any", "any thread")                                                          \
    X(SERIAL, "serial", "any thread, one at a time for all objects of the type")         \
    X(PINNED, "pinned", "only the thread that opened the object")                        \
    X(PUMPED, "pumped",                                                                  \
            "only the thread that runs belay_type_pump: the program's own loop")

/* What the net may do with an object that was forgotten. */
#define BELAY_NET_LIST(X)                                                                \
    X(DESTROY, "destroy", "run the destructor, and report")                              \
    X(REPORT, "report", "report only; the object stays")

/* What closing a parent means for its children. */
#define BELAY_CHILDREN_LIST(X)                                                           \
    X(CASCADE, "cascade", "children are closed first, newest first; then the parent")    \
    X(HOLD, "hold",                                                                      \
            "the parent waits until its children were closed (counted references)")

/* Who owns what a function was given or gave back. */
#define BELAY_TRANSFER_LIST(X)                                                           \
    X(OWNED, "owned", "a result the caller must destroy")                                \
    X(BORROWED, "borrowed", "a result that lives as long as something else")             \
    X(STATIC, "static", "a result that always lives")                                    \
    X(BORROWS, "borrows", "a parameter used during the call only")                       \
    X(COPIES, "copies", "a parameter copied by the call")                                \
    X(TAKES, "takes", "a parameter the callee now owns")                                 \
    X(TAKES_ON_SUCCESS, "takes-on-success", "owned by the callee unless the call fails") \
    X(RETAINS, "retains", "a parameter kept until another call lets go of it")

/* What a report is about. */
#define BELAY_REPORT_LIST(X)                                                             \
    X(LEAK, "leak", "still open at shutdown")                                            \
    X(RESCUE, "rescue", "forgotten, and closed by the collector")                        \
    X(FORGOTTEN, "forgotten", "forgotten, and the net may not destroy it")               \
    X(USE_AFTER_CLOSE, "use-after-close", "borrowed or owned below after it was closed") \
    X(DOUBLE_CLOSE, "double-close", "closed again through a stale handle")               \
    X(DOUBLE_RETURN, "double-return", "returned without a borrow")                       \
    X(DOUBLE_OWN, "double-own", "a pointer that another handle owns already")            \
    X(DESTROY_REFUSED, "destroy-refused",                                                \
            "the destructor refused: the object is open again")                          \
    X(DESTROY_FAILED, "destroy-failed",                                                  \
            "the destructor gave an error; the object is gone")                          \
    X(WRONG_THREAD, "wrong-thread", "used on a thread its type does not allow")          \
    X(STILL_HELD, "still-held", "borrowed past the deadline of a shutdown")              \
    X(TABLE_FULL, "table-full", "no room for another object, type or site")              \
    X(LEDGER_LOST, "ledger-lost",                                                        \
            "the ledger could not be shared; it is private memory now")                  \
    X(PANIC, "panic", "a callback of the program panicked")

/* How much is reported. */
#define BELAY_LEVEL_LIST(X)                                                              \
    X(OFF, "off", "count only")                                                          \
    X(SAMPLED, "sampled", "every mistake, with stacks for one object in a thousand")     \
    X(ALL, "all", "every mistake with every stack, repeated closes and double owning too")

#define BELAY__DESTROY_ENUM(name, word, text) BELAY_DESTROY_##name,
#define BELAY__INDIRECTION_ENUM(name, word, text) BELAY_INDIRECTION_##name,
#define BELAY__CONTEXT_ENUM(name, word, text) BELAY_CONTEXT_##name,
#define BELAY__ON_ERROR_ENUM(name, word, text) BELAY_ON_ERROR_##name,
#define BELAY__GUARD_ENUM(name, word, text) BELAY_GUARD_##name,
#define BELAY__THREAD_ENUM(name, word, text) BELAY_THREAD_##name,
#define BELAY__NET_ENUM(name, word, text) BELAY_NET_##name,
#define BELAY__CHILDREN_ENUM(name, word, text) BELAY_CHILDREN_##name,
#define BELAY__TRANSFER_ENUM(name, word, text) BELAY_TRANSFER_##name,
#define BELAY__REPORT_ENUM(name, word, text) BELAY_REPORT_##name,
#define BELAY__LEVEL_ENUM(name, word, text) BELAY_LEVEL_##name,

typedef enum belay_destroy {
    BELAY_DESTROY_LIST(BELAY__DESTROY_ENUM) BELAY_DESTROY_COUNT
} belay_destroy;

typedef enum belay_indirection {
    BELAY_INDIRECTION_LIST(BELAY__INDIRECTION_ENUM) BELAY_INDIRECTION_COUNT
} belay_indirection;

typedef enum belay_context {
    BELAY_CONTEXT_LIST(BELAY__CONTEXT_ENUM) BELAY_CONTEXT_COUNT
} belay_context;

typedef enum belay_on_error {
    BELAY_ON_ERROR_LIST(BELAY__ON_ERROR_ENUM) BELAY_ON_ERROR_COUNT
} belay_on_error;

typedef enum belay_guard {
    BELAY_GUARD_LIST(BELAY__GUARD_ENUM) BELAY_GUARD_COUNT
} belay_guard;

typedef enum belay_thread {
    BELAY_THREAD_LIST(BELAY__THREAD_ENUM) BELAY_THREAD_COUNT
} belay_thread;

typedef enum belay_net { BELAY_NET_LIST(BELAY__NET_ENUM) BELAY_NET_COUNT } belay_net;

typedef enum belay_children {
    BELAY_CHILDREN_LIST(BELAY__CHILDREN_ENUM) BELAY_CHILDREN_COUNT
} belay_children;

typedef enum belay_transfer {
    BELAY_TRANSFER_LIST(BELAY__TRANSFER_ENUM) BELAY_TRANSFER_COUNT
} belay_transfer;

typedef enum belay_report_kind {
    BELAY_REPORT_LIST(BELAY__REPORT_ENUM) BELAY_REPORT_COUNT
} belay_report_kind;

typedef enum belay_level {
    BELAY_LEVEL_LIST(BELAY__LEVEL_ENUM) BELAY_LEVEL_COUNT
} belay_level;

#endif
