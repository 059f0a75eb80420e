/* SPDX-License-Identifier: MIT */
/* note.c - what a reader of a ledger should know about the reading itself. */
#include "snapshot/note.h"

#include <stdarg.h>
#include <stdio.h>

void top_note_add(top_notes *notes, top_note_kind kind, const char *format, ...) {
    notes->damage += kind == TOP_NOTE_DAMAGE;
    if (notes->count == TOP_NOTE_MAX) {
        notes->dropped++;
        return;
    }
    top_note *note = &notes->items[notes->count++];
    note->kind = kind;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(note->text, sizeof note->text, format, arguments);
    va_end(arguments);
}
