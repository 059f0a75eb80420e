/* SPDX-License-Identifier: MIT */
/* type.h - the private table of types. An id from a row is checked before it is used. */
#ifndef BELAY__TYPE_H
#define BELAY__TYPE_H

#include "belay/type.h"

#include <stdbool.h>

#include "slot.h"

typedef struct belay__type {
    belay_type_options options;
    uint32_t id;
    bool is_slow;         /* guarded or bound to a thread */
    bool is_plain;        /* the net may destroy it in the tight loop: no guard, thread or
                             children rule */
    uint64_t pumping;     /* the same while it pumps */
    uint64_t pump_thread; /* identity; 0 until the first pump */
    uint32_t pump_first;  /* list of claimed objects, through cold.next, in their order */
    uint32_t pump_last;   /* good if there is a first */
    char name[BELAY_TYPE_NAME_MAX + 1];
} belay__type;

/* Returns a registered type, or NULL. */
belay__type *belay__type_get(uint32_t id);

/* The type of a live row. A row is shared memory, so a damaged id gives a type that does
 * nothing rather than a crash. */
belay__type *belay__type_of(const belay__slot *slot);

/* Returns what `code` means for an object of the type. */
belay_on_error belay__type_judge(const belay__type *type, int code);

/* Puts a claimed object of a pumped type on its list. */
void belay__type_pump_add(belay__type *type, uint32_t index);

/* True if this is the thread that pumps; or nobody has pumped yet. */
bool belay__type_is_pump_thread(const belay__type *type);

/* True inside belay_type_pump, on its thread. */
bool belay__type_is_pumping(const belay__type *type);

#endif
