/* SPDX-License-Identifier: MIT */
#include "cfi.h"

#include <stddef.h>
#include <string.h>

#include "arch.h"

enum { CFI_NESTING = 8 };

/* Bytes between two places of mapped memory; a read past the end gives zero and stops. */
typedef struct cfi_bytes {
    const uint8_t *at, *end;
} cfi_bytes;

typedef struct cfi_row {
    prof_rule rule;
    int64_t ra_offset; /* where the return address is saved; 0: in its register */
    bool is_ra_undefined;
    bool is_understood;
} cfi_row;

typedef struct cfi_entry {
    cfi_bytes initial, program;
    uint64_t start, length;
    uint64_t code_align;
    int64_t data_align;
    uint8_t pointer_encoding;
} cfi_entry;

static uint64_t cfi_fixed(cfi_bytes *in, size_t size) {
    uint64_t value = 0;

    if ((size_t)(in->end - in->at) < size) {
        in->at = in->end;
        return 0;
    }
    memcpy(&value, in->at, size);
    in->at += size;
    return value;
}

static uint64_t cfi_uleb(cfi_bytes *in) {
    uint64_t value = 0;

    for (unsigned shift = 0; in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;

        if (shift < 64) {
            value |= (uint64_t)(byte & 0x7f) << shift;
        }
        if (!(byte & 0x80)) {
            break;
        }
    }
    return value;
}

static int64_t cfi_sleb(cfi_bytes *in) {
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte = 0;

    while (in->at < in->end) {
        byte = *in->at++;
        if (shift < 64) {
            value |= (uint64_t)(byte & 0x7f) << shift;
        }
        shift += 7;
        if (!(byte & 0x80)) {
            break;
        }
    }
    if (shift < 64 && (byte & 0x40)) {
        value |= ~0ULL << shift;
    }
    return (int64_t)value;
}

/* An encoded pointer (DW_EH_PE_*): absolute or relative to its own place. */
static uint64_t cfi_pointer(cfi_bytes *in, uint8_t encoding, bool is_size) {
    uint64_t place = (uintptr_t)in->at, value;

    switch (encoding & 0x0f) {
    case 0x02:
        value = cfi_fixed(in, 2);
        break;
    case 0x03:
        value = cfi_fixed(in, 4);
        break;
    case 0x0a:
        value = (uint64_t)(int64_t)(int16_t)cfi_fixed(in, 2);
        break;
    case 0x0b:
        value = (uint64_t)(int64_t)(int32_t)cfi_fixed(in, 4);
        break;
    case 0x00:
    case 0x04:
    case 0x0c:
        value = cfi_fixed(in, 8);
        break;
    default:
        in->at = in->end;
        return 0;
    }
    return !is_size && (encoding & 0x70) == 0x10 && value ? value + place : value;
}

static bool cfi_parse_cie(const uint8_t *cie, const uint8_t *limit, cfi_entry *entry) {
    cfi_bytes in = {cie, limit};
    uint64_t length = cfi_fixed(&in, 4), id = cfi_fixed(&in, 4);
    uint8_t version;
    const char *augmentation;

    if (length < 8 || length > (uint64_t)(limit - cie) - 4 || id != 0) {
        return false;
    }
    in.end = cie + 4 + length;
    version = (uint8_t)cfi_fixed(&in, 1);
    augmentation = (const char *)in.at;
    while (in.at < in.end && *in.at) {
        in.at++;
    }
    in.at++;
    entry->code_align = cfi_uleb(&in);
    entry->data_align = cfi_sleb(&in);
    if ((version == 1 ? cfi_fixed(&in, 1) : cfi_uleb(&in)) != PROF_ARCH_RA) {
        return false;
    }
    entry->pointer_encoding = 0;
    if (*augmentation == 'z') {
        uint64_t size = cfi_uleb(&in);
        const uint8_t *after = in.at + size;

        if (size > (uint64_t)(in.end - in.at)) {
            return false;
        }
        for (augmentation++; *augmentation; augmentation++) {
            if (*augmentation == 'R') {
                entry->pointer_encoding = (uint8_t)cfi_fixed(&in, 1);
            } else if (*augmentation == 'L') {
                in.at++;
            } else if (*augmentation == 'P') {
                uint8_t encoding = (uint8_t)cfi_fixed(&in, 1);

                cfi_pointer(&in, encoding, true);
            } else if (*augmentation != 'B') { /* the key of signed addresses */
                return false; /* 'S': a signal frame, whose rules are of another kind */
            }
        }
        in.at = after;
    } else if (*augmentation) {
        return false;
    }
    entry->initial = in;
    return true;
}

static bool cfi_parse_fde(const uint8_t *fde, const uint8_t *limit, cfi_entry *entry) {
    cfi_bytes in = {fde, limit};
    uint64_t length = cfi_fixed(&in, 4), back;
    const uint8_t *id_at = in.at;

    back = cfi_fixed(&in, 4);
    if (length < 8 || length > (uint64_t)(limit - fde) - 4 || back == 0 ||
            !cfi_parse_cie(id_at - back, limit, entry)) {
        return false;
    }
    in.end = fde + 4 + length;
    entry->start = cfi_pointer(&in, entry->pointer_encoding, false);
    entry->length = cfi_pointer(&in, entry->pointer_encoding, true);
    in.at += cfi_uleb(&in); /* the augmentation: where the language data is */
    if (in.at > in.end) {
        return false;
    }
    entry->program = in;
    return true;
}

/* The one expression compilers use for realigned frames: a word at the frame pointer
 * + offset. */
static bool cfi_is_bp_expression(cfi_bytes in, bool is_deref, int32_t *out_offset) {
    int64_t offset;

    if (in.at >= in.end || *in.at++ != 0x70 + PROF_ARCH_FP) { /* DW_OP_breg */
        return false;
    }
    offset = cfi_sleb(&in);
    if (is_deref && (in.at >= in.end || *in.at++ != 0x06)) { /* DW_OP_deref */
        return false;
    }
    *out_offset = (int32_t)offset;
    return in.at == in.end;
}

static cfi_bytes cfi_block(cfi_bytes *in) {
    uint64_t size = cfi_uleb(in);
    cfi_bytes block = {in->at, in->at};

    if (size <= (uint64_t)(in->end - in->at)) {
        block.end = in->at += size;
    }
    return block;
}

static void cfi_set_cfa(cfi_row *row, uint64_t reg, int64_t offset) {
    row->is_understood = reg == PROF_ARCH_SP || reg == PROF_ARCH_FP;
    row->rule.cfa = reg == PROF_ARCH_SP ? PROF_CFA_SP : PROF_CFA_BP;
    row->rule.offset = (int32_t)offset;
}

static void cfi_set_saved(cfi_row *row, uint64_t reg, int64_t offset) {
    if (reg == PROF_ARCH_FP) {
        row->rule.saved_bp = PROF_BP_AT_CFA;
        row->rule.bp_offset = (int32_t)offset;
    } else if (reg == PROF_ARCH_RA) {
        row->ra_offset = offset;
    }
}

static void cfi_restore(cfi_row *row, uint64_t reg, const cfi_row *initial) {
    if (reg == PROF_ARCH_FP) {
        row->rule.saved_bp = initial->rule.saved_bp;
        row->rule.bp_offset = initial->rule.bp_offset;
    } else if (reg == PROF_ARCH_RA) {
        row->ra_offset = initial->ra_offset;
    }
}

/* The operations whose number is in the low six bits. */
static void cfi_extended(uint8_t op, cfi_bytes *in, const cfi_entry *entry, cfi_row *row,
        const cfi_row *initial) {
    uint64_t reg;

    switch (op) {
    case 0x05: /* offset_extended */
        reg = cfi_uleb(in);
        cfi_set_saved(row, reg, (int64_t)cfi_uleb(in) * entry->data_align);
        break;
    case 0x06: /* restore_extended */
        cfi_restore(row, cfi_uleb(in), initial);
        break;
    case 0x07: /* undefined */
        reg = cfi_uleb(in);
        row->is_ra_undefined |= reg == PROF_ARCH_RA;
        break;
    case 0x08: /* same_value */
        if (cfi_uleb(in) == PROF_ARCH_FP) {
            row->rule.saved_bp = PROF_BP_SAME;
        }
        break;
    case 0x0c: /* def_cfa */
        reg = cfi_uleb(in);
        cfi_set_cfa(row, reg, (int64_t)cfi_uleb(in));
        break;
    case 0x0d: /* def_cfa_register */
        cfi_set_cfa(row, cfi_uleb(in), row->rule.offset);
        break;
    case 0x0e: /* def_cfa_offset */
        row->rule.offset = (int32_t)cfi_uleb(in);
        break;
    case 0x0f: /* def_cfa_expression */
        row->rule.cfa = PROF_CFA_BP_DEREF;
        row->is_understood = cfi_is_bp_expression(cfi_block(in), true, &row->rule.offset);
        break;
    case 0x10: /* expression */
        reg = cfi_uleb(in);
        if (reg == PROF_ARCH_FP) {
            row->rule.saved_bp = PROF_BP_AT_BP;
            row->is_understood &=
                    cfi_is_bp_expression(cfi_block(in), false, &row->rule.bp_offset);
        } else {
            cfi_block(in);
        }
        break;
    case 0x11: /* offset_extended_sf */
        reg = cfi_uleb(in);
        cfi_set_saved(row, reg, cfi_sleb(in) * entry->data_align);
        break;
    case 0x12: /* def_cfa_sf */
        reg = cfi_uleb(in);
        cfi_set_cfa(row, reg, cfi_sleb(in) * entry->data_align);
        break;
    case 0x13: /* def_cfa_offset_sf */
        row->rule.offset = (int32_t)(cfi_sleb(in) * entry->data_align);
        break;
    case 0x16: /* val_expression */
        row->is_understood &= cfi_uleb(in) != PROF_ARCH_FP;
        cfi_block(in);
        break;
    case 0x2d: /* AARCH64_negate_ra_state: the walk takes any signature off */
        break;
    case 0x2e: /* GNU_args_size */
        cfi_uleb(in);
        break;
    default:
        row->is_understood = false;
        in->at = in->end;
    }
}

/* Runs a program of row changes up to the row that holds at `pc`. */
static void cfi_run(cfi_bytes in, const cfi_entry *entry, uint64_t pc, cfi_row *row,
        const cfi_row *initial) {
    cfi_row saved[CFI_NESTING];
    int depth = 0;
    uint64_t place = entry->start;

    while (in.at < in.end && place <= pc) {
        uint8_t op = *in.at++, low = op & 0x3f;

        switch (op >> 6) {
        case 1: /* advance_loc */
            place += low * entry->code_align;
            continue;
        case 2: /* offset */
            cfi_set_saved(row, low, (int64_t)cfi_uleb(&in) * entry->data_align);
            continue;
        case 3: /* restore */
            cfi_restore(row, low, initial);
            continue;
        default:
            break;
        }
        if (op >= 0x02 && op <= 0x04) { /* advance_loc1, 2, 4 */
            place += cfi_fixed(&in, (size_t)1 << (op - 2)) * entry->code_align;
        } else if (op == 0x0a && depth < CFI_NESTING) { /* remember_state */
            saved[depth++] = *row;
        } else if (op == 0x0b && depth > 0) { /* restore_state */
            *row = saved[--depth];
        } else if (op != 0) {
            cfi_extended(op, &in, entry, row, initial);
        }
    }
}

/* The sorted table of .eh_frame_hdr: (function, description), both relative to it. */
static const uint8_t *cfi_search(uint64_t pc, const uint8_t *hdr, const uint8_t *limit) {
    cfi_bytes in = {hdr + 4, limit};
    const uint8_t *table;
    int64_t target = (int64_t)(pc - (uint64_t)(uintptr_t)hdr);
    uint64_t count, low = 0, high;
    int32_t pair[2];

    if (hdr[0] != 1 || hdr[2] != 0x03 || hdr[3] != 0x3b) { /* udata4, datarel | sdata4 */
        return NULL;
    }
    cfi_pointer(&in, hdr[1], true);
    count = cfi_fixed(&in, 4);
    table = in.at;
    if (count == 0 || count > (uint64_t)(limit - table) / sizeof pair) {
        return NULL;
    }
    for (high = count; high - low > 1;) {
        uint64_t middle = low + (high - low) / 2;

        memcpy(pair, table + middle * sizeof pair, sizeof pair);
        if (pair[0] <= target) {
            low = middle;
        } else {
            high = middle;
        }
    }
    memcpy(pair, table + low * sizeof pair, sizeof pair);
    return pair[0] <= target ? hdr + pair[1] : NULL;
}

void prof__cfi_find(
        uint64_t pc, const uint8_t *eh_frame_hdr, uint64_t end, prof_rule *out_rule) {
    const uint8_t *limit = (const uint8_t *)(uintptr_t)end, *fde;
    cfi_row initial = {.is_understood = false}, row;
    cfi_entry entry;

    *out_rule = (prof_rule){.cfa = PROF_CFA_NONE};
    if (!eh_frame_hdr || !(fde = cfi_search(pc, eh_frame_hdr, limit)) ||
            !cfi_parse_fde(fde, limit, &entry) || pc - entry.start >= entry.length) {
        return;
    }
    cfi_run(entry.initial, &entry, entry.start, &initial, &initial);
    row = initial;
    cfi_run(entry.program, &entry, pc, &row, &initial);
    if (row.is_ra_undefined) {
        out_rule->cfa = PROF_CFA_END;
    } else if (row.is_understood && (!PROF_ARCH_SAVES_RETURN || row.ra_offset) &&
               prof__arch_set_return(&row.rule, row.ra_offset)) {
        *out_rule = row.rule;
    }
}
