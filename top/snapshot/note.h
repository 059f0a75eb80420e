/* SPDX-License-Identifier: MIT */
/* note.h - what a reader of a ledger should know about the reading itself. */
#ifndef TOP_SNAPSHOT_NOTE_H
#define TOP_SNAPSHOT_NOTE_H

#include <stdint.h>

#define TOP_NOTE_MAX 16

typedef enum top_note_kind {
    TOP_NOTE_REMARK, /* to know when reading the numbers */
    TOP_NOTE_DAMAGE  /* the ledger contradicts itself, or is cut short */
} top_note_kind;

typedef struct top_note {
    top_note_kind kind;
    char text[240];
} top_note;

typedef struct top_notes {
    top_note items[TOP_NOTE_MAX];
    uint32_t count;   /* at most TOP_NOTE_MAX */
    uint32_t dropped; /* there was no room for */
    uint32_t damage;  /* how many were TOP_NOTE_DAMAGE, dropped ones too */
} top_notes;

/* Adds a note. The text must hold nothing from the ledger but numbers. */
__attribute__((format(printf, 3, 4))) void top_note_add(
        top_notes *notes, top_note_kind kind, const char *format, ...);

#endif
