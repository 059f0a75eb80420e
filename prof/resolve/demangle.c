/* SPDX-License-Identifier: MIT */
#include "demangle.h"

#ifdef PROF_HAS_LIBIBERTY

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

typedef struct demangle_text {
    char *text;
    size_t used;
    jmp_buf full;
} demangle_text;

/* A short name can stand for one without end, and the demangler asks nobody whether to go
 * on: we leave it by a jump. It holds no memory but its stack. */
static void demangle_receive(const char *part, size_t length, void *data) {
    static const char dots[] = "...";
    demangle_text *into = data;

    if (length == 0) {
        return; /* `part` may be NULL then */
    }
    if (length < PROF_DEMANGLED_BYTES - sizeof dots - into->used) {
        memcpy(into->text + into->used, part, length);
        into->used += length;
        into->text[into->used] = 0;
        return;
    }
    memcpy(into->text + into->used, dots, sizeof dots);
    longjmp(into->full, 1);
}

const char *prof__demangle(const char *name, char text[PROF_DEMANGLED_BYTES]) {
    demangle_text into = {.text = text};

    if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R')) {
        return name;
    }
    if (setjmp(into.full) != 0) {
        return text;
    }
    if (!rust_demangle_callback(name, DMGL_NO_OPTS, demangle_receive, &into)) {
        into.used = 0;
        if (!cplus_demangle_v3_callback(name, DMGL_ANSI, demangle_receive, &into)) {
            return name;
        }
    }
    return into.used ? text : name; /* _RC0 stands for an empty name */
}

#else

const char *prof__demangle(const char *name, char text[PROF_DEMANGLED_BYTES]) {
    (void)text;
    return name;
}

#endif
