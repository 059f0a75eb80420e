/* SPDX-License-Identifier: MIT */
/* arm64.h - arch.h for arm64. A call leaves the return address in a register; a function
 * that calls others saves it, usually above its caller's frame pointer. Go saves the same
 * pair, at its stack pointer - 8. */
#ifndef BELAY_PROF_ARCH_ARM64_H
#define BELAY_PROF_ARCH_ARM64_H

#ifdef __clang__
#error "the recorder needs gcc on arm64: clang does not tell the caller's stack pointer"
#endif

enum {
    PROF_ARCH_FP = 29,
    PROF_ARCH_SP = 31,
    PROF_ARCH_RA = 30,
    PROF_ARCH_GO_QUANTUM = 4,
    PROF_ARCH_GO_FRAME_BELOW = 8,
    PROF_ARCH_SAVES_TWICE = 0,
    PROF_ARCH_SAVES_RETURN = 1
};

/* The saved pair need not be next to the caller's frame. */
#define PROF_ORIGIN_HERE                                                                 \
    {                                                                                    \
            .pc = ((const uint64_t *)__builtin_frame_address(0))[1],                     \
            .sp = (uint64_t)(uintptr_t)__builtin_dwarf_cfa(),                            \
            .bp = ((const uint64_t *)__builtin_frame_address(0))[0],                     \
    }

/* The thread's descriptor ends here. */
static inline uint64_t prof__arch_thread_pointer(void) {
    return (uint64_t)(uintptr_t)__builtin_thread_pointer();
}

/* `offset` is from the caller's frame. It is kept from where the frame pointer was saved,
 * whose field is free when it was not: so any size of frame will do. */
static inline bool prof__arch_set_return(prof_rule *rule, int64_t offset) {
    int64_t words;

    if (rule->saved_bp == PROF_BP_SAME) {
        rule->bp_offset = (int32_t)offset;
    }
    words = (offset - rule->bp_offset) / 8;
    rule->ra_words = (int16_t)words;
    return rule->saved_bp != PROF_BP_AT_BP && words >= INT16_MIN && words <= INT16_MAX;
}

static inline uint64_t prof__arch_return_at(const prof_rule *rule, uint64_t cfa) {
    return cfa + (uint64_t)(int64_t)(rule->bp_offset + rule->ra_words * 8);
}

/* Without its signature (pointer authentication): xpaclri, which does nothing to a plain
 * address and on processors that do not know it. */
static inline uint64_t prof__arch_return_address(uint64_t word) {
    register uint64_t address __asm__("x30") = word;

    __asm__("hint #7" : "+r"(address));
    return address;
}

/* crosscall2 does not set the frame pointer; its own place is at a fixed distance. And on
 * a system stack, asmcgocall writes the stack pointer over the frame pointer that it
 * saved: then its caller's frame is the next one, 16 bytes up. */
static inline uint64_t prof__arch_next_frame(
        uint64_t frame, uint64_t saved, const prof_gomodule *callback) {
    if (callback) {
        return frame + callback->callback_distance;
    }
    return saved == frame + PROF_ARCH_GO_FRAME_BELOW ? frame + 16 : saved;
}

#endif
