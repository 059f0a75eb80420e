/* SPDX-License-Identifier: MIT */
#include "../arch.h"

#include <stddef.h>
#include <string.h>

static uint32_t arch_word(const uint8_t *code) {
    uint32_t word;

    memcpy(&word, code, sizeof word);
    return word;
}

/* ldr Xreg, [sp, #OFFSET] */
static bool arch_slot(uint32_t word, uint32_t reg, int32_t *out_offset) {
    if ((word & 0xffc003ff) != (0xf94003e0 | reg)) {
        return false;
    }
    *out_offset = (int32_t)(word >> 10 & 0xfff) * 8;
    return true;
}

void prof__arch_cross(const uint8_t *code, prof_rule *out_rule) {
    enum { SAVED_SP = 2, DEPTH = 6, G = 28, STEPS = 8 };

    const uint32_t keep_result = 0xaa0003e9; /* mov x9, x0 */

    code += arch_word(code) == keep_result ? 4 : 0;
    if (arch_slot(arch_word(code), SAVED_SP, &out_rule->offset)) {
        out_rule->cfa = PROF_CFA_SYSTEM;
    } else if (arch_slot(arch_word(code), G, &out_rule->offset)) {
        for (int i = 1; i < STEPS && out_rule->cfa == PROF_CFA_NONE; i++) {
            if (arch_slot(arch_word(code + i * 4), DEPTH, &out_rule->bp_offset)) {
                out_rule->cfa = PROF_CFA_CROSS;
            }
        }
    }
}

/* The frame of an assembly function that begins with str x30, [sp, #-BYTES]!; else 0. */
static uint64_t arch_frame_bytes(uint32_t word) {
    return (word & 0xfff00fff) == 0xf8100ffe ? 512 - (word >> 12 & 0x1ff) : 0;
}

uint64_t prof__arch_callback_distance(
        const prof_gomodule *module, const uint8_t *code, uint64_t bytes) {
    uint64_t pair = 0;

    for (uint64_t at = 0; at + 4 <= bytes; at += 4) {
        uint32_t word = arch_word(code + at);

        if ((word & 0xffe07fff) == 0xa9007bfd) { /* stp x29, x30, [sp, #OFFSET] */
            pair = (word >> 15 & 0x3f) * 8;
        } else if (word >> 26 == 0x25) { /* bl TARGET */
            int64_t words = (int32_t)(word << 6) >> 6;
            const uint8_t *target = code + at + words * 4;

            if (prof__goruntime_calls_back(module, (uintptr_t)target)) {
                uint64_t frame = arch_frame_bytes(arch_word(target));

                return pair && frame ? PROF_ARCH_GO_FRAME_BELOW + frame + pair : 0;
            }
        }
    }
    return 0;
}
