/* SPDX-License-Identifier: MIT */
/* amd64.h - arch.h for amd64. A call pushes the return address: it is always just below
 * the caller's frame. */
#ifndef BELAY_PROF_ARCH_AMD64_H
#define BELAY_PROF_ARCH_AMD64_H

enum {
    PROF_ARCH_FP = 6,
    PROF_ARCH_SP = 7,
    PROF_ARCH_RA = 16,
    PROF_ARCH_GO_QUANTUM = 1,
    PROF_ARCH_GO_FRAME_BELOW = 0,
    PROF_ARCH_SAVES_TWICE = 1,
    PROF_ARCH_SAVES_RETURN = 0
};

#define PROF_ORIGIN_HERE                                                                 \
    {                                                                                    \
            .pc = ((const uint64_t *)__builtin_frame_address(0))[1],                     \
            .sp = (uint64_t)(uintptr_t)__builtin_frame_address(0) + 16,                  \
            .bp = ((const uint64_t *)__builtin_frame_address(0))[0],                     \
    }

static inline uint64_t prof__arch_thread_pointer(void) {
    uint64_t pointer;

    __asm__("mov %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

static inline bool prof__arch_set_return(prof_rule *rule, int64_t offset) {
    (void)rule;
    (void)offset;
    return true;
}

static inline uint64_t prof__arch_return_at(const prof_rule *rule, uint64_t cfa) {
    (void)rule;
    return cfa - 8;
}

static inline uint64_t prof__arch_return_address(uint64_t word) {
    return word;
}

static inline uint64_t prof__arch_next_frame(
        uint64_t frame, uint64_t saved, const prof_gomodule *callback) {
    (void)frame;
    (void)callback;
    return saved;
}

#endif
