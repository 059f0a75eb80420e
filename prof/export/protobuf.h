/* SPDX-License-Identifier: MIT */
/* protobuf.h - just enough of a protobuf writer for profile.proto.
 *
 *   (zeroed) -> varint/bytes/... -> free
 *
 * Out of memory is remembered in `has_failed`, everything after it does nothing. */
#ifndef BELAY_PROF_PROTOBUF_H
#define BELAY_PROF_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct prof_protobuf {
    uint8_t *bytes;
    size_t size, room;
    bool has_failed;
} prof_protobuf;

/* A bare number, as in a packed list. */
void prof__protobuf_number(prof_protobuf *out, uint64_t value);

/* Field `field` with a number; 0 is left out, as it is the default. */
void prof__protobuf_varint(prof_protobuf *out, uint32_t field, uint64_t value);

/* Field `field` with bytes: a string, a packed list or a message. */
void prof__protobuf_bytes(
        prof_protobuf *out, uint32_t field, const void *bytes, size_t size);

/* The same from another writer, which is emptied for its next use. */
void prof__protobuf_message(prof_protobuf *out, uint32_t field, prof_protobuf *message);

void prof__protobuf_free(prof_protobuf *out);

#endif
