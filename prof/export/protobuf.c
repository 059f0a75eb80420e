/* SPDX-License-Identifier: MIT */
#include "protobuf.h"

#include <stdlib.h>
#include <string.h>

enum { PROTOBUF_VARINT = 0, PROTOBUF_BYTES = 2 };

static void protobuf_append(prof_protobuf *out, const void *bytes, size_t size) {
    if (out->room - out->size < size) {
        size_t room = (out->room + size) * 2 + 64;
        uint8_t *grown = realloc(out->bytes, room);

        if (!grown) {
            out->has_failed = true;
            return;
        }
        out->bytes = grown;
        out->room = room;
    }
    if (size) {
        memcpy(out->bytes + out->size, bytes, size);
        out->size += size;
    }
}

void prof__protobuf_number(prof_protobuf *out, uint64_t value) {
    uint8_t bytes[10];
    size_t size = 0;

    do {
        bytes[size] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        size++;
        value >>= 7;
    } while (value);
    protobuf_append(out, bytes, size);
}

void prof__protobuf_varint(prof_protobuf *out, uint32_t field, uint64_t value) {
    if (value) {
        prof__protobuf_number(out, field << 3 | PROTOBUF_VARINT);
        prof__protobuf_number(out, value);
    }
}

void prof__protobuf_bytes(
        prof_protobuf *out, uint32_t field, const void *bytes, size_t size) {
    prof__protobuf_number(out, field << 3 | PROTOBUF_BYTES);
    prof__protobuf_number(out, size);
    protobuf_append(out, bytes, size);
}

void prof__protobuf_message(prof_protobuf *out, uint32_t field, prof_protobuf *message) {
    prof__protobuf_bytes(out, field, message->bytes, message->size);
    out->has_failed |= message->has_failed;
    message->size = 0;
}

void prof__protobuf_free(prof_protobuf *out) {
    free(out->bytes);
    *out = (prof_protobuf){.bytes = NULL};
}
