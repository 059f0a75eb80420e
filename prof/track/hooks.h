/* SPDX-License-Identifier: MIT */
/* hooks.h - the hooks are called by their C names; this is for the one who asks whether.
 */
#ifndef BELAY_PROF_HOOKS_H
#define BELAY_PROF_HOOKS_H

#include <stddef.h>

/* Our malloc by a name that no other definition of malloc can come before. */
void *prof__hooks_malloc(size_t size) __attribute__((visibility("hidden")));

#endif
