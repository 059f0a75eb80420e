/* SPDX-License-Identifier: MIT */
/* belay.h - C memory that is safe to hold: the whole interface.
 *
 *   type      a kind of C object: how it is destroyed, who may call it
 *   handle    the name of one object; own -> borrow/return -> close -> destroyed once
 *   child     an object destroyed before its parent
 *   guard     keeps calls into a library from overlapping
 *   net       the collector's release of what was forgotten (used by language bindings)
 *   account   counts objects and bytes
 *   report    names mistakes by type and line
 *   ledger    all of it in shared memory, readable from outside and after a crash
 *
 * Every function is safe to call from any thread. Statuses are returned; there is no
 * errno and no last error. Functions that take a pointer say whether they take, keep,
 * borrow or copy it. */
#ifndef BELAY_H
#define BELAY_H

#include "belay/account.h" // IWYU pragma: export
#include "belay/handle.h"  // IWYU pragma: export
#include "belay/process.h" // IWYU pragma: export
#include "belay/report.h"  // IWYU pragma: export
#include "belay/status.h"  // IWYU pragma: export
#include "belay/type.h"    // IWYU pragma: export

#endif
