/* SPDX-License-Identifier: MIT */
#include "pprof.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "../resolve/interner.h"
#include "protobuf.h"

/* Field numbers of profile.proto. */
enum {
    PPROF_SAMPLE_TYPE = 1,
    PPROF_SAMPLE = 2,
    PPROF_MAPPING = 3,
    PPROF_LOCATION = 4,
    PPROF_FUNCTION = 5,
    PPROF_STRING = 6,
    PPROF_TIME = 9,
    PPROF_DURATION = 10,
    PPROF_PERIOD_TYPE = 11,
    PPROF_PERIOD = 12,
    PPROF_COMMENT = 13,
    PPROF_DEFAULT_TYPE = 14
};

static const char pprof_lost[] = "(stack not recorded)";

typedef struct pprof_writer {
    const prof_profile *profile;
    prof_protobuf body, message, inner;
    prof_protobuf strings; /* the string table, written last */
    prof_interner *texts;  /* owns copies */
    prof_interner *numbers;
    uint64_t string_count;
    const prof_joint *joint; /* NULL: ours alone */
    bool has_failed;
} pprof_writer;

static uint64_t pprof_string(pprof_writer *w, const char *text) {
    const char *kept = prof__interner_string(w->texts, text);
    uint32_t *number = kept ? prof__interner_pair(w->numbers, (uintptr_t)kept, 0) : NULL;

    if (!number) {
        w->has_failed = true;
        return 0;
    }
    if (*number == 0) {
        prof__protobuf_bytes(&w->strings, PPROF_STRING, kept, strlen(kept));
        *number = (uint32_t)++w->string_count;
    }
    return *number - 1;
}

static void pprof_type(
        pprof_writer *w, uint32_t field, const char *type, const char *unit) {
    prof__protobuf_varint(&w->message, 1, pprof_string(w, type));
    prof__protobuf_varint(&w->message, 2, pprof_string(w, unit));
    prof__protobuf_message(&w->body, field, &w->message);
}

static void pprof_head(pprof_writer *w) {
    const prof_snapshot *snapshot = &w->profile->snapshot;
    char comment[64];

    pprof_string(w, "");
    pprof_type(w, PPROF_SAMPLE_TYPE, "alloc_objects", "count");
    pprof_type(w, PPROF_SAMPLE_TYPE, "alloc_space", "bytes");
    pprof_type(w, PPROF_SAMPLE_TYPE, "inuse_objects", "count");
    pprof_type(w, PPROF_SAMPLE_TYPE, "inuse_space", "bytes");
    pprof_type(w, PPROF_PERIOD_TYPE, "space", "bytes");
    prof__protobuf_varint(&w->body, PPROF_PERIOD, snapshot->header.period_bytes);
    prof__protobuf_varint(&w->body, PPROF_TIME,
            snapshot->taken_ns ? snapshot->taken_ns : snapshot->header.start_ns);
    if (snapshot->taken_ns > snapshot->header.start_ns) {
        prof__protobuf_varint(
                &w->body, PPROF_DURATION, snapshot->taken_ns - snapshot->header.start_ns);
    }
    prof__protobuf_varint(&w->body, PPROF_DEFAULT_TYPE, pprof_string(w, "inuse_space"));
    snprintf(comment, sizeof comment, "C heap of pid %" PRIu64 ", belay-prof",
            snapshot->header.pid);
    prof__protobuf_varint(&w->body, PPROF_COMMENT, pprof_string(w, comment));
}

static void pprof_mappings(pprof_writer *w) {
    const prof_snapshot *snapshot = &w->profile->snapshot;

    for (size_t i = 0; i < snapshot->module_count; i++) {
        const prof_module *module = &snapshot->modules[i];
        char id[2 * sizeof module->build_id + 1] = "";

        for (uint32_t j = 0; j < module->build_id_len; j++) {
            snprintf(id + (size_t)2 * j, 3, "%02x", module->build_id[j]);
        }
        prof__protobuf_varint(&w->message, 1, i + 1);
        prof__protobuf_varint(&w->message, 2, module->start);
        prof__protobuf_varint(&w->message, 3, module->end);
        prof__protobuf_varint(&w->message, 5, pprof_string(w, module->path));
        prof__protobuf_varint(&w->message, 6, pprof_string(w, id));
        for (uint32_t has = 7; has <= 10; has++) { /* functions, files, lines, inlined */
            prof__protobuf_varint(&w->message, has, 1);
        }
        prof__protobuf_message(&w->body, PPROF_MAPPING, &w->message);
    }
}

static void pprof_functions(pprof_writer *w) {
    const prof_profile *profile = w->profile;

    for (size_t i = 0; i <= profile->function_count; i++) {
        const prof_function *function = &profile->functions[i];
        bool is_lost = i == profile->function_count; /* one more, for lost stacks */
        uint64_t name = pprof_string(w, is_lost ? pprof_lost : function->name);

        prof__protobuf_varint(&w->message, 1, i + 1);
        prof__protobuf_varint(&w->message, 2, name);
        prof__protobuf_varint(&w->message, 3, name);
        if (!is_lost) {
            prof__protobuf_varint(&w->message, 4, pprof_string(w, function->file));
            prof__protobuf_varint(&w->message, 5, (uint64_t)function->start_line);
        }
        prof__protobuf_message(&w->body, PPROF_FUNCTION, &w->message);
    }
}

static void pprof_line(pprof_writer *w, uint64_t function, int64_t line) {
    prof__protobuf_varint(&w->inner, 1, function);
    prof__protobuf_varint(&w->inner, 2, (uint64_t)line);
    prof__protobuf_message(&w->message, 4, &w->inner);
}

static void pprof_locations(pprof_writer *w) {
    const prof_profile *profile = w->profile;

    for (size_t i = 0; i < profile->place_count; i++) {
        const prof_place *place = &profile->places[i];

        prof__protobuf_varint(&w->message, 1, i + 1);
        prof__protobuf_varint(&w->message, 2, place->module);
        prof__protobuf_varint(&w->message, 3, place->address);
        for (uint32_t j = 0; j < place->line_count; j++) {
            const prof_line *line = &profile->lines[place->line_at + j];

            pprof_line(w, line->function + 1, line->line);
        }
        prof__protobuf_message(&w->body, PPROF_LOCATION, &w->message);
    }
    prof__protobuf_varint(&w->message, 1, profile->place_count + 1);
    pprof_line(w, profile->function_count + 1, 0);
    prof__protobuf_message(&w->body, PPROF_LOCATION, &w->message);
}

static void pprof_label(pprof_writer *w, const char *key, const char *value) {
    prof__protobuf_varint(&w->inner, 1, pprof_string(w, key));
    prof__protobuf_varint(&w->inner, 2, pprof_string(w, value));
    prof__protobuf_message(&w->message, 3, &w->inner);
}

/* `type` NULL: the blocks that are no object of Belay's. */
static void pprof_sample(pprof_writer *w, const prof_sample *sample,
        const uint64_t values[PROF_VALUES], const char *type) {
    const prof_profile *profile = w->profile;

    for (uint32_t j = 0; j < sample->place_count; j++) {
        prof__protobuf_number(
                &w->inner, profile->sample_places[sample->place_at + j] + 1ULL);
    }
    if (sample->place_count == 0) {
        prof__protobuf_number(&w->inner, profile->place_count + 1);
    }
    prof__protobuf_message(&w->message, 1, &w->inner);
    for (int value = 0; value < PROF_VALUES; value++) {
        prof__protobuf_number(&w->inner, values[value]);
    }
    prof__protobuf_message(&w->message, 2, &w->inner);
    if (w->joint) {
        pprof_label(w, "heap", "C");
    }
    if (type) {
        pprof_label(w, "belay_type", type);
    }
    prof__protobuf_message(&w->body, PPROF_SAMPLE, &w->message);
}

static uint64_t pprof_whole(double value) {
    return (uint64_t)(value + 0.5);
}

/* Takes a part from what is left of a sample's value, so that all parts and the rest add
 * up to the whole, rounded or not. */
static uint64_t pprof_share(double part, uint64_t *left) {
    uint64_t share = pprof_whole(part);

    share = share < *left ? share : *left;
    *left -= share;
    return share;
}

static void pprof_samples(pprof_writer *w) {
    const prof_profile *profile = w->profile;

    for (size_t i = 0; i < profile->sample_count; i++) {
        const prof_sample *sample = &profile->samples[i];
        uint64_t rest[PROF_VALUES];

        for (int value = 0; value < PROF_VALUES; value++) {
            rest[value] = pprof_whole(sample->values[value]);
        }
        for (size_t j = 0; j < sample->label_count; j++) {
            const prof_label *label = &profile->labels[sample->label_at + j];
            uint64_t part[PROF_VALUES] = {0};

            part[PROF_VALUE_LIVE_COUNT] =
                    pprof_share(label->count, &rest[PROF_VALUE_LIVE_COUNT]);
            part[PROF_VALUE_LIVE_BYTES] =
                    pprof_share(label->bytes, &rest[PROF_VALUE_LIVE_BYTES]);
            pprof_sample(w, sample, part, label->type);
        }
        pprof_sample(w, sample, rest, NULL);
    }
}

static void pprof_joint(pprof_writer *w) {
    prof_joint_shift shift = {.location = w->profile->place_count + 1,
            .mapping = w->profile->snapshot.module_count,
            .function = w->profile->function_count + 1,
            .label_key = pprof_string(w, "heap"),
            .label_value = pprof_string(w, "Go")};

    shift.string = w->string_count; /* its strings follow all of ours */
    prof__joint_add(w->joint, &shift, &w->body, &w->strings);
}

/* Writes two buffers as one gzip stream. */
static bool pprof_compress(FILE *out, const prof_protobuf parts[2]) {
    uint8_t buffer[65536];
    z_stream stream = {.zalloc = Z_NULL};

    if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        stream.next_in = parts[i].bytes;
        stream.avail_in = (uInt)parts[i].size;
        do {
            stream.next_out = buffer;
            stream.avail_out = sizeof buffer;
            deflate(&stream, i == 1 ? Z_FINISH : Z_NO_FLUSH);
            fwrite(buffer, 1, sizeof buffer - stream.avail_out, out);
        } while (stream.avail_out == 0);
    }
    deflateEnd(&stream);
    return true;
}

bool prof__pprof_write(FILE *out, const prof_profile *profile, const prof_joint *joint) {
    pprof_writer w = {.profile = profile,
            .joint = joint,
            .texts = prof__interner_create(),
            .numbers = prof__interner_create()};

    w.has_failed = !w.texts || !w.numbers;
    if (!w.has_failed) {
        pprof_head(&w);
        pprof_samples(&w);
        pprof_mappings(&w);
        pprof_locations(&w);
        pprof_functions(&w);
        if (joint) {
            pprof_joint(&w);
        }
    }
    w.has_failed |=
            w.body.has_failed || w.strings.has_failed || w.body.size > UINT32_MAX / 2;
    if (!w.has_failed) {
        w.has_failed = !pprof_compress(out, (prof_protobuf[2]){w.body, w.strings});
    }
    prof__protobuf_free(&w.body);
    prof__protobuf_free(&w.message);
    prof__protobuf_free(&w.inner);
    prof__protobuf_free(&w.strings);
    prof__interner_destroy(w.texts);
    prof__interner_destroy(w.numbers);
    return !w.has_failed;
}
