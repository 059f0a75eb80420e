/* SPDX-License-Identifier: MIT */
#include "gotable.h"

#include <string.h>

enum {
    GOTABLE_HEAD_BYTES = 72,
    GOTABLE_FUNCTION_BYTES = 44, /* a _func before its pcdata */
    GOTABLE_PCDATA_INLINE = 2,
    GOTABLE_FUNCDATA_INLINE = 3,
    GOTABLE_INLINES_MAX = 64,
    GOTABLE_VALUES_MAX = 1 << 20
};

typedef struct gotable_head {
    uint32_t magic;
    uint8_t pads[2], quantum, pointer_bytes;
    uint64_t function_count, file_count, text;
    uint64_t names_at, units_at, files_at, values_at, functions_at;
} gotable_head;

/* The runtime's _func; pcdata and funcdata words follow. */
typedef struct gotable_function {
    uint32_t entry;
    int32_t name;
    int32_t arguments;
    uint32_t deferreturn, pcsp, pcfile, pcline, pcdata_count, unit;
    int32_t start_line;
    uint8_t id, flag, pad, funcdata_count;
} gotable_function;

typedef struct gotable_inlined {
    uint8_t id, pads[3];
    int32_t name, parent_pc, start_line;
} gotable_inlined;

/* Where a call to resolve is. */
typedef struct gotable_place {
    const prof_gotable *table;
    gotable_function function;
    uint64_t at;    /* address of the function's record */
    uint64_t entry; /* address of its code */
} gotable_place;

_Static_assert(sizeof(gotable_head) == GOTABLE_HEAD_BYTES, "as in the file");
_Static_assert(sizeof(gotable_function) == GOTABLE_FUNCTION_BYTES, "as in the file");
_Static_assert(sizeof(gotable_inlined) == 16, "as in the file");

static bool gotable_copy(
        const prof_gotable *table, uint64_t address, void *into, uint64_t bytes) {
    const void *from = prof__image_at(table->image, address, bytes);

    if (from) {
        memcpy(into, from, bytes);
    }
    return from != NULL;
}

bool prof__gotable_open(const prof_image *image, uint64_t text, uint64_t etext,
        uint64_t gofunc, uint64_t pclntab, prof_gotable *out_table) {
    prof_gotable table = {.image = image, .text = text, .etext = etext, .gofunc = gofunc};
    gotable_head head;

    if (!gotable_copy(&table, pclntab, &head, sizeof head) || head.magic != 0xfffffff1 ||
            (head.quantum != 1 && head.quantum != 4) || head.pointer_bytes != 8 ||
            text >= etext) {
        return false;
    }
    table.quantum = head.quantum;
    table.names = pclntab + head.names_at;
    table.units = pclntab + head.units_at;
    table.files = pclntab + head.files_at;
    table.values = pclntab + head.values_at;
    table.functions = pclntab + head.functions_at;
    table.function_count = head.function_count;
    if (table.function_count == 0 || table.function_count > UINT32_MAX ||
            !prof__image_at(image, table.functions, table.function_count * 8 + 4)) {
        return false;
    }
    *out_table = table;
    return true;
}

static uint32_t gotable_varint(const uint8_t **at, const uint8_t *end) {
    uint32_t value = 0;

    for (unsigned shift = 0; *at < end && shift < 32; shift += 7) {
        uint8_t byte = *(*at)++;

        value |= (uint32_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            break;
        }
    }
    return value;
}

/* The value that a table of (value step, address step) pairs has at `pc`; -1: none. */
static int32_t gotable_value(const gotable_place *place, uint32_t offset, uint64_t pc) {
    const uint8_t *at = NULL, *end;
    uint64_t address = place->entry, room = GOTABLE_VALUES_MAX;
    uint32_t value = UINT32_MAX; /* starts at -1 */

    for (; offset && !at && room >= 16;
            room /= 2) { /* the file may end before that much */
        at = prof__image_at(place->table->image, place->table->values + offset, room);
    }
    if (!at) {
        return -1;
    }
    end = at + room * 2;
    for (bool is_first = true; at < end; is_first = false) {
        uint32_t step = gotable_varint(&at, end);

        if (step == 0 && !is_first) {
            return -1;
        }
        value += step & 1 ? ~(step >> 1) : step >> 1;
        address += (uint64_t)gotable_varint(&at, end) * place->table->quantum;
        if (pc < address) {
            return (int32_t)value;
        }
    }
    return -1;
}

static const char *gotable_name(const prof_gotable *table, int32_t offset) {
    const char *name = offset < 0 ? NULL
                                  : prof__image_string(table->image,
                                            table->names + (uint32_t)offset);

    return name ? name : "?";
}

static const char *gotable_file(const gotable_place *place, uint64_t pc) {
    int32_t number = gotable_value(place, place->function.pcfile, pc);
    uint32_t offset;
    const char *file;

    if (number < 0 ||
            !gotable_copy(place->table,
                    place->table->units +
                            4 * ((uint64_t)place->function.unit + (uint32_t)number),
                    &offset, sizeof offset) ||
            offset == UINT32_MAX) {
        return "";
    }
    file = prof__image_string(place->table->image, place->table->files + offset);
    return file ? file : "";
}

static uint32_t gotable_pcdata(const gotable_place *place, uint32_t which) {
    uint32_t offset = 0;

    if (which < place->function.pcdata_count) {
        gotable_copy(place->table,
                place->at + GOTABLE_FUNCTION_BYTES + (uint64_t)4 * which, &offset,
                sizeof offset);
    }
    return offset;
}

static bool gotable_inlined_at(
        const gotable_place *place, int32_t index, gotable_inlined *out) {
    uint64_t words = (uint64_t)place->function.pcdata_count + GOTABLE_FUNCDATA_INLINE;
    uint32_t offset;

    return index >= 0 && place->function.funcdata_count > GOTABLE_FUNCDATA_INLINE &&
           gotable_copy(place->table, place->at + GOTABLE_FUNCTION_BYTES + 4 * words,
                   &offset, sizeof offset) &&
           offset != UINT32_MAX &&
           gotable_copy(place->table,
                   place->table->gofunc + offset + (uint64_t)index * sizeof *out, out,
                   sizeof *out);
}

/* Binary search in the rows (code offset, record offset), sorted by code offset. */
static bool gotable_find(
        const prof_gotable *table, uint64_t address, gotable_place *out) {
    uint64_t low = 0, high = table->function_count, offset = address - table->text;
    uint32_t row[2];

    if (address < table->text || address >= table->etext) {
        return false;
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (!gotable_copy(table, table->functions + middle * 8, row, sizeof row)) {
            return false;
        }
        if (row[0] <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if (!gotable_copy(table, table->functions + low * 8, row, sizeof row) ||
            row[0] > offset) {
        return false;
    }
    out->table = table;
    out->at = table->functions + row[1];
    out->entry = table->text + row[0];
    return gotable_copy(table, out->at, &out->function, sizeof out->function);
}

bool prof__gotable_resolve(
        const prof_gotable *table, uint64_t address, prof_frame_fn receive, void *data) {
    gotable_place place;
    gotable_inlined inlined;
    uint32_t inline_values;

    if (!gotable_find(table, address, &place)) {
        return false;
    }
    inline_values = gotable_pcdata(&place, GOTABLE_PCDATA_INLINE);
    for (int depth = 0; depth < GOTABLE_INLINES_MAX; depth++) {
        int32_t index = gotable_value(&place, inline_values, address);
        int32_t line = gotable_value(&place, place.function.pcline, address);
        prof_frame frame = {.function = gotable_name(table, place.function.name),
                .file = gotable_file(&place, address),
                .line = line > 0 ? line : 0,
                .start_line = place.function.start_line,
                .is_go = true};

        if (gotable_inlined_at(&place, index, &inlined)) {
            frame.function = gotable_name(table, inlined.name);
            frame.start_line = inlined.start_line;
            frame.is_inlined = true;
            receive(data, &frame);
            address = place.entry + (uint32_t)inlined.parent_pc;
            continue;
        }
        receive(data, &frame);
        return true;
    }
    return true;
}
