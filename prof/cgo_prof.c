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

/* Why gcc on arm64: track/arch/arm64.h. */
#if defined(__x86_64__)
#define PROF_HAS_ARCH
#elif defined(__aarch64__) && !defined(__clang__)
#define PROF_HAS_ARCH
#endif

#if defined(__linux__) && defined(PROF_HAS_ARCH) && !defined(PROF_SANITIZED)
#include "trace/size.c"
#include "trace/weight.c"
#include "track/allocator.c"
#ifdef __x86_64__
#include "track/arch/amd64.c"
#else
#include "track/arch/arm64.c"
#endif
#include "track/area.c"
#include "track/blocks.c"
#include "track/cfi.c"
#include "track/extents.c"
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
    return "recording needs Linux amd64, or arm64 and gcc, without -asan and -msan";
}
#endif
