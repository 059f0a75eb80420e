/* SPDX-License-Identifier: MIT */
#include "../arch.h"

#include <string.h>

/* mov OFFSET(%rsp), REGISTER or sub OFFSET(%rsp), REGISTER; returns its length or 0. */
static int arch_slot(const uint8_t *code, uint8_t op, uint8_t reg, int32_t *out_offset) {
    if (code[0] != 0x48 || code[1] != op || code[3] != 0x24) {
        return 0;
    }
    if (code[2] == (0x04 | reg << 3)) {
        *out_offset = 0;
        return 4;
    }
    if (code[2] == (0x44 | reg << 3)) {
        *out_offset = (int8_t)code[4];
        return 5;
    }
    return 0;
}

/* Position independent programs first load the place of g: mov $-8, %rcx or from the GOT.
 */
static const uint8_t *arch_skip_tls(const uint8_t *code) {
    bool is_load = code[0] == 0x48 && ((code[1] == 0xc7 && code[2] == 0xc1) ||
                                              (code[1] == 0x8b && code[2] == 0x0d));

    return is_load ? code + 7 : code;
}

void prof__arch_cross(const uint8_t *code, prof_rule *out_rule) {
    enum { RSI = 6, RDI = 7, MOV = 0x8b, SUB = 0x2b };

    static const uint8_t load_high[4] = {0x48, 0x8b, 0x77, 0x08}; /* mov 8(%rdi), %rsi */
    int length;

    code = arch_skip_tls(code);
    if (arch_slot(code, MOV, RSI, &out_rule->offset)) {
        out_rule->cfa = PROF_CFA_SYSTEM;
    } else if ((length = arch_slot(code, MOV, RDI, &out_rule->offset)) &&
               memcmp(code + length, load_high, sizeof load_high) == 0 &&
               arch_slot(code + length + 4, SUB, RSI, &out_rule->bp_offset)) {
        out_rule->cfa = PROF_CFA_CROSS;
    }
}

uint64_t prof__arch_callback_distance(
        const prof_gomodule *module, const uint8_t *code, uint64_t bytes) {
    (void)module;
    (void)code;
    (void)bytes;
    return 0;
}
