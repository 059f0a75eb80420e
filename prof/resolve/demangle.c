/* SPDX-License-Identifier: MIT */
#include "demangle.h"

#ifdef PROF_HAS_LIBIBERTY

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>

enum { DEMANGLE_BEGUN, DEMANGLE_FULL, DEMANGLE_LATE };

enum { DEMANGLE_MICROSECONDS = 100000 };

/* A short name can stand for one without end, or take for ever before its first letter
 * (a pack expansion of types that double), and the demangler asks nobody whether to go
 * on: we leave it by a jump. It holds no memory but its stack. */
typedef struct demangle_text {
    const char *name;
    char *text;
    size_t used;
    sigjmp_buf leave;
} demangle_text;

static demangle_text *volatile demangle_current = NULL;

static void demangle_late(int number) {
    (void)number;
    siglongjmp(demangle_current->leave, DEMANGLE_LATE);
}

/* Limits the processor time of the demangler; NULL: no more. */
static void demangle_limit(demangle_text *into) {
    struct sigaction action = {.sa_handler = into ? demangle_late : SIG_DFL};
    struct itimerval limit = {.it_value.tv_usec = into ? DEMANGLE_MICROSECONDS : 0};

    if (into) {
        demangle_current = into;
        sigaction(SIGVTALRM, &action, NULL);
    }
    setitimer(ITIMER_VIRTUAL, &limit, NULL);
    if (!into) {
        sigaction(SIGVTALRM, &action, NULL);
        demangle_current = NULL;
    }
}

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
    siglongjmp(into->leave, DEMANGLE_FULL);
}

static bool demangle_write(demangle_text *into) {
    if (!rust_demangle_callback(into->name, DMGL_NO_OPTS, demangle_receive, into)) {
        into->used = 0;
        if (!cplus_demangle_v3_callback(into->name, DMGL_ANSI, demangle_receive, into)) {
            return false;
        }
    }
    return into->used > 0; /* _RC0 stands for an empty name */
}

/* Writes the name, or its beginning; false: neither. Not inlined, so that the compiler
 * sees that the jump changes nothing of the caller's. */
static __attribute__((noinline)) bool demangle_run(demangle_text *into) {
    volatile bool is_written = false;

    switch (sigsetjmp(into->leave, 1)) {
    case DEMANGLE_BEGUN:
        demangle_limit(into);
        is_written = demangle_write(into);
        break;
    case DEMANGLE_FULL:
        is_written = true;
        break;
    default:
        is_written = false;
    }
    demangle_limit(NULL);
    return is_written;
}

const char *prof__demangle(const char *name, char text[PROF_DEMANGLED_BYTES]) {
    demangle_text into = {.name = name, .text = text};

    if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R')) {
        return name;
    }
    return demangle_run(&into) ? text : name;
}

#else

const char *prof__demangle(const char *name, char text[PROF_DEMANGLED_BYTES]) {
    (void)text;
    return name;
}

#endif
