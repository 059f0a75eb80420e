/* SPDX-License-Identifier: MIT */
/* demangle.h - the names of C++ and Rust functions as they were written. */
#ifndef BELAY_PROF_DEMANGLE_H
#define BELAY_PROF_DEMANGLE_H

enum { PROF_DEMANGLED_BYTES = 2048 };

/* Returns the name as its author wrote it, without parameters, in `text`; a longer one is
 * cut off and ends with "...". A name that is not mangled, stands for nothing, or
 * takes more than 0.1 s is returned itself, as is every name when belay-prof was built
 * without libiberty. Uses SIGVTALRM; one thread at a time. */
const char *prof__demangle(const char *name, char text[PROF_DEMANGLED_BYTES]);

#endif
