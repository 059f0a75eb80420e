/* SPDX-License-Identifier: MIT */
#include "joint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    JOINT_BYTES_MAX = 1 << 28,
    JOINT_STRING = 6,
    JOINT_SAMPLE_TYPE = 1,
    JOINT_VALUES = 4
};

/* What happens to a field on its way. */
typedef enum joint_rule {
    JOINT_DROP, /* 0: all that is not named */
    JOINT_KEEP,
    JOINT_SHIFT_STRING,
    JOINT_SHIFT_LOCATION,
    JOINT_SHIFT_MAPPING,
    JOINT_SHIFT_FUNCTION,
    JOINT_LABEL, /* messages, with rules of their own */
    JOINT_LINE,
    JOINT_SAMPLE,
    JOINT_MAPPING,
    JOINT_LOCATION,
    JOINT_FUNCTION,
    JOINT_PROFILE,
    JOINT_RULES
} joint_rule;

enum { JOINT_FIELDS = 11 };

/* By message, then by field number of profile.proto. */
static const uint8_t joint_rules[JOINT_RULES][JOINT_FIELDS] = {
        [JOINT_PROFILE] = {[2] = JOINT_SAMPLE,
                [3] = JOINT_MAPPING,
                [4] = JOINT_LOCATION,
                [5] = JOINT_FUNCTION},
        [JOINT_SAMPLE] =
                {[1] = JOINT_SHIFT_LOCATION, [2] = JOINT_KEEP, [3] = JOINT_LABEL},
        [JOINT_LABEL] = {[1] = JOINT_SHIFT_STRING,
                [2] = JOINT_SHIFT_STRING,
                [3] = JOINT_KEEP,
                [4] = JOINT_SHIFT_STRING},
        [JOINT_MAPPING] = {[1] = JOINT_SHIFT_MAPPING,
                [2] = JOINT_KEEP,
                [3] = JOINT_KEEP,
                [4] = JOINT_KEEP,
                [5] = JOINT_SHIFT_STRING,
                [6] = JOINT_SHIFT_STRING,
                [7] = JOINT_KEEP,
                [8] = JOINT_KEEP,
                [9] = JOINT_KEEP,
                [10] = JOINT_KEEP},
        [JOINT_LOCATION] = {[1] = JOINT_SHIFT_LOCATION,
                [2] = JOINT_SHIFT_MAPPING,
                [3] = JOINT_KEEP,
                [4] = JOINT_LINE,
                [5] = JOINT_KEEP},
        [JOINT_LINE] = {[1] = JOINT_SHIFT_FUNCTION, [2] = JOINT_KEEP, [3] = JOINT_KEEP},
        [JOINT_FUNCTION] = {[1] = JOINT_SHIFT_FUNCTION,
                [2] = JOINT_SHIFT_STRING,
                [3] = JOINT_SHIFT_STRING,
                [4] = JOINT_SHIFT_STRING,
                [5] = JOINT_KEEP},
};

typedef struct joint_field {
    uint32_t number;
    bool is_bytes;
    uint64_t value;       /* of a number */
    const uint8_t *bytes; /* of a string, list or message */
    size_t size;
} joint_field;

typedef struct joint_cursor {
    const uint8_t *at, *end;
} joint_cursor;

static bool joint_number(joint_cursor *in, uint64_t *out) {
    uint64_t value = 0;

    for (unsigned shift = 0; in->at < in->end && shift < 64; shift += 7) {
        uint8_t byte = *in->at++;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool joint_next(joint_cursor *in, joint_field *out) {
    uint64_t tag, size;

    if (!joint_number(in, &tag) || (tag & 7) % 2 || (tag & 7) > 2 ||
            tag >> 3 > UINT32_MAX) {
        return false; /* profile.proto has numbers and bytes only */
    }
    *out = (joint_field){.number = (uint32_t)(tag >> 3), .is_bytes = (tag & 7) == 2};
    if (!out->is_bytes) {
        return joint_number(in, &out->value);
    }
    if (!joint_number(in, &size) || size > (uint64_t)(in->end - in->at)) {
        return false;
    }
    out->bytes = in->at;
    out->size = (size_t)size;
    in->at += size;
    return true;
}

static uint64_t joint_shifted(
        joint_rule rule, uint64_t value, const prof_joint_shift *shift) {
    switch (rule) {
    case JOINT_SHIFT_STRING:
        return value ? value + shift->string : 0;
    case JOINT_SHIFT_LOCATION:
        return value + shift->location;
    case JOINT_SHIFT_MAPPING:
        return value ? value + shift->mapping : 0;
    case JOINT_SHIFT_FUNCTION:
        return value + shift->function;
    default:
        return value;
    }
}

static void joint_list(const joint_field *field, joint_rule rule,
        const prof_joint_shift *shift, prof_protobuf *out) {
    joint_cursor in = {field->bytes, field->bytes + field->size};
    prof_protobuf list = {.bytes = NULL};
    uint64_t value;

    while (joint_number(&in, &value)) {
        prof__protobuf_number(&list, joint_shifted(rule, value, shift));
    }
    prof__protobuf_message(out, field->number, &list);
    prof__protobuf_free(&list);
}

/* Copies one message by the rules of its kind; messages in it first, at most two deep. */
static void joint_copy(const uint8_t *bytes, size_t size, joint_rule kind,
        const prof_joint_shift *shift, prof_protobuf *out) {
    joint_cursor in = {bytes, bytes + size};
    joint_field field;

    while (in.at < in.end && joint_next(&in, &field)) {
        joint_rule rule = field.number < JOINT_FIELDS ? joint_rules[kind][field.number]
                                                      : (joint_rule)JOINT_DROP;

        if (rule == JOINT_DROP) {
            continue;
        }
        if (rule < JOINT_LABEL) {
            if (field.is_bytes) {
                joint_list(&field, rule, shift, out);
            } else {
                prof__protobuf_varint(
                        out, field.number, joint_shifted(rule, field.value, shift));
            }
        } else if (field.is_bytes) {
            prof_protobuf message = {.bytes = NULL};

            joint_copy(field.bytes, field.size, rule, shift, &message);
            if (rule == JOINT_SAMPLE && shift->label_key) {
                prof_protobuf label = {.bytes = NULL};

                prof__protobuf_varint(&label, 1, shift->label_key);
                prof__protobuf_varint(&label, 2, shift->label_value);
                prof__protobuf_message(&message, 3, &label);
                prof__protobuf_free(&label);
            }
            prof__protobuf_message(out, field.number, &message);
            prof__protobuf_free(&message);
        }
    }
}

/* True when the four values of its samples are those of a heap profile, in our order. */
static bool joint_is_heap(const prof_joint *joint) {
    static const char *const names[JOINT_VALUES] = {
            "alloc_objects", "alloc_space", "inuse_objects", "inuse_space"};
    uint64_t wanted[JOINT_VALUES] = {0}, string = 0;
    size_t types = 0, found = 0;
    joint_cursor in = {joint->bytes, joint->bytes + joint->size};
    joint_field field, inner;

    while (in.at < in.end && joint_next(&in, &field)) {
        if (field.number == JOINT_SAMPLE_TYPE && field.is_bytes) {
            joint_cursor type = {field.bytes, field.bytes + field.size};

            while (joint_next(&type, &inner)) {
                if (inner.number == 1 && types < JOINT_VALUES) {
                    wanted[types] = inner.value;
                }
            }
            types++;
        } else if (field.number == JOINT_STRING && field.is_bytes) {
            for (size_t i = 0; i < JOINT_VALUES; i++) {
                found += wanted[i] == string && strlen(names[i]) == field.size &&
                         memcmp(names[i], field.bytes, field.size) == 0;
            }
            string++;
        }
    }
    return types == JOINT_VALUES && found == JOINT_VALUES;
}

static bool joint_load(
        const char *path, prof_joint *joint, char *problem, size_t problem_bytes) {
    gzFile file = gzopen(path, "rb");
    size_t room = 0;
    int got = 0;

    if (!file) {
        snprintf(problem, problem_bytes, "%s", strerror(errno));
        return false;
    }
    do {
        joint->size += (size_t)got;
        if (joint->size == room && room < JOINT_BYTES_MAX) {
            uint8_t *grown = realloc(joint->bytes, room = room ? room * 2 : 65536);

            if (!grown) {
                break;
            }
            joint->bytes = grown;
        }
        got = gzread(file, joint->bytes + joint->size, (unsigned)(room - joint->size));
    } while (got > 0);
    if (gzclose(file) != Z_OK) {
        got = -1; /* the end is missing */
    }
    if (got != 0 || joint->size == JOINT_BYTES_MAX) {
        snprintf(problem, problem_bytes, "damaged, or larger than 256 MiB");
        return false;
    }
    return true;
}

bool prof__joint_read(
        const char *path, prof_joint *out, char *problem, size_t problem_bytes) {
    prof_joint joint = {.bytes = NULL};

    if (!joint_load(path, &joint, problem, problem_bytes)) {
        prof__joint_free(&joint);
        return false;
    }
    if (!joint_is_heap(&joint)) {
        snprintf(problem, problem_bytes,
                "not a Go heap profile (as /debug/pprof/heap gives)");
        prof__joint_free(&joint);
        return false;
    }
    *out = joint;
    return true;
}

uint64_t prof__joint_add(const prof_joint *joint, const prof_joint_shift *shift,
        prof_protobuf *body, prof_protobuf *strings) {
    joint_cursor in = {joint->bytes, joint->bytes + joint->size};
    joint_field field;
    uint64_t count = 0;

    joint_copy(joint->bytes, joint->size, JOINT_PROFILE, shift, body);
    while (in.at < in.end && joint_next(&in, &field)) {
        if (field.number == JOINT_STRING && field.is_bytes) {
            prof__protobuf_bytes(strings, JOINT_STRING, field.bytes, field.size);
            count++;
        }
    }
    return count;
}

void prof__joint_free(prof_joint *joint) {
    free(joint->bytes);
    *joint = (prof_joint){.bytes = NULL};
}
