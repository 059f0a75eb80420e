/* SPDX-License-Identifier: MIT */
/* cgo_core.c - the core as one unit, so that `go build` compiles it with the package. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include "core/src/account.c"
#include "core/src/address.c"
#include "core/src/binding.c"
#include "core/src/end.c"
#include "core/src/extent.c"
#include "core/src/family.c"
#include "core/src/fork.c"
#include "core/src/guard.c"
#include "core/src/handle.c"
#include "core/src/ledger.c"
#include "core/src/lender.c"
#include "core/src/live.c"
#include "core/src/lock.c"
#include "core/src/process.c"
#include "core/src/queue.c"
#include "core/src/report.c"
#include "core/src/rescue.c"
#include "core/src/setting.c"
#include "core/src/site.c"
#include "core/src/start.c"
#include "core/src/status.c"
#include "core/src/table.c"
#include "core/src/thread.c"
#include "core/src/type.c"
#include "core/src/watch.c"

#if defined(__linux__)
#include "core/src/platform/linux/fence.c"
#include "core/src/platform/linux/memory.c"
#include "core/src/platform/linux/process.c"
#else
#include "core/src/platform/posix/fence.c"
#include "core/src/platform/posix/memory.c"
#include "core/src/platform/posix/process.c"
#endif
