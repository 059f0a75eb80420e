/* SPDX-License-Identifier: MIT */
/* cgo_prof.c - the recorder as one unit, so that `go build` compiles it with the package.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define PROF_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define PROF_SANITIZED
#endif

#if defined(__linux__) && defined(__x86_64__) && !defined(PROF_SANITIZED)
#include "trace/weight.c"
#include "track/allocator.c"
#include "track/area.c"
#include "track/blocks.c"
#include "track/cfi.c"
#include "track/goruntime.c"
#include "track/hooks.c"
#include "track/mappings.c"
#include "track/memo.c"
#include "track/modules.c"
#include "track/recorder.c"
#include "track/stacks.c"
#include "track/start.c"
#include "track/threads.c"
#include "track/walk.c"
#else
#include "track/start.h"

const char *prof__start_file(const char *path, uint64_t period_bytes) {
    (void)path;
    (void)period_bytes;
    return "recording needs Linux amd64, without -asan and -msan";
}
#endif
