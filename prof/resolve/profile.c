/* SPDX-License-Identifier: MIT */
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gotable.h"
#include "image.h"
#include "interner.h"
#include "native.h"

/* What is open of one module while the profile is built. */
typedef struct profile_module {
    bool is_opened;
    bool has_go;
    prof_image image;
    prof_gotable go;
    prof_native *native;
} profile_module;

typedef struct profile_builder {
    prof_profile *profile;
    prof_interner *places; /* (module, address) -> place */
    profile_module *modules;
    size_t function_room, line_room, place_room, sample_place_room;
    const prof_objects *objects;
    prof_objects_label *labels; /* ascending by stack */
    size_t label_count, label_next;
    bool has_failed; /* out of memory */
} profile_builder;

/* Makes room for one more in a growing array. */
static void *profile_grow(void *array, size_t count, size_t *room, size_t entry_bytes) {
    size_t more = *room ? *room * 2 : 256;
    void *grown;

    if (count < *room) {
        return array;
    }
    grown = reallocarray(array, more, entry_bytes);
    if (grown) {
        *room = more;
    }
    return grown;
}

#define PROFILE_GROW(builder, array, count, room)                                        \
    profile_reserve(builder, (void **)&(builder)->profile->array,                        \
            (builder)->profile->count, &(builder)->room,                                 \
            sizeof *(builder)->profile->array)

static bool profile_reserve(profile_builder *builder, void **array, size_t count,
        size_t *room, size_t entry_bytes) {
    void *grown = profile_grow(*array, count, room, entry_bytes);

    if (!grown) {
        builder->has_failed = true;
        return false;
    }
    *array = grown;
    return true;
}

const char *prof__profile_base(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Terminal escapes and line breaks have no business in a name from somebody's file. */
static const char *profile_string(profile_builder *builder, const char *text) {
    char clean[2048];
    size_t used = 0;
    const char *kept;

    for (; *text && used + 1 < sizeof clean; text++) {
        bool is_control = (unsigned char)*text < ' ' || *text == 127;
        clean[used++] = *text;
        if (is_control) {
            clean[used - 1] = '?';
        }
    }
    clean[used] = 0;
    kept = prof__interner_string(builder->profile->interner, clean);
    if (!kept) {
        builder->has_failed = true;
        return "";
    }
    return kept;
}

static void profile_receive(void *data, const prof_frame *frame) {
    profile_builder *builder = data;
    prof_profile *profile = builder->profile;
    const char *name = profile_string(builder, frame->function);
    const char *file = profile_string(builder, frame->file);
    uint32_t *number =
            prof__interner_pair(profile->interner, (uintptr_t)name, (uintptr_t)file);

    if (!number || !PROFILE_GROW(builder, functions, function_count, function_room) ||
            !PROFILE_GROW(builder, lines, line_count, line_room)) {
        builder->has_failed = true;
        return;
    }
    if (*number == 0) {
        profile->functions[profile->function_count++] =
                (prof_function){name, file, frame->start_line, frame->is_go};
        *number = (uint32_t)profile->function_count;
    }
    profile->lines[profile->line_count++] = (prof_line){*number - 1, frame->line};
}

/* The note "mod", TAB, path in what the linker wrote about the build. */
static void profile_main_module(prof_profile *profile, const prof_image *image) {
    static const uint8_t mark[] = {0x30, 0x77, 0xaf, 0x0c, 0x92, 0x74, 0x08, 0x02, 0x41,
            0xe1, 0xc1, 0x07, 0xe6, 0xd6, 0x18, 0xe6, 'p', 'a', 't', 'h', '\t'};
    const uint8_t *end = image->bytes + image->size;
    const char *at = memmem(image->bytes, image->size, mark, sizeof mark);
    size_t room = at ? (size_t)(end - (const uint8_t *)at) : 0, used = 0;

    room = room < 4096 ? room : 4096;
    at = room ? memmem(at, room, "\nmod\t", 5) : NULL;
    if (!at || (size_t)(end - (const uint8_t *)at) < 5 + sizeof profile->main_module) {
        return;
    }
    for (at += 5; used + 1 < sizeof profile->main_module && *at > ' '; at++) {
        profile->main_module[used++] = *at;
    }
    profile->main_module[used] = 0;
}

/* The first module with Go code in it: a program's own comes before its plugins. */
static void profile_find_main(const profile_builder *builder) {
    size_t count = builder->modules ? builder->profile->snapshot.module_count : 0;

    for (size_t i = 0; i < count; i++) {
        if (builder->modules[i].has_go) {
            profile_main_module(builder->profile, &builder->modules[i].image);
            return;
        }
    }
}

/* True when the file is the one that was mapped, as far as its build id tells. */
static bool profile_is_same(const prof_image *image, const prof_module *module) {
    for (int i = 0; module->build_id_len && i < image->segment_count; i++) {
        const prof_image_segment *segment = &image->segments[i];
        uint64_t room = segment->bytes < 65536 ? segment->bytes : 65536;

        /* Notes are at the head of the first segment. */
        if (memmem(image->bytes + segment->offset, room, module->build_id,
                    module->build_id_len)) {
            return true;
        }
    }
    return module->build_id_len == 0;
}

static profile_module *profile_open(profile_builder *builder, size_t index) {
    prof_profile *profile = builder->profile;
    const prof_module *module = &profile->snapshot.modules[index];
    profile_module *open = &builder->modules[index];

    if (open->is_opened) {
        return open;
    }
    open->is_opened = true;
    if (!prof__image_open(module->path, &open->image)) {
        return open;
    }
    if (!profile_is_same(&open->image, module)) {
        profile->changed_modules++;
        return open;
    }
    open->native = prof__native_open(module->path, module->bias);
    if (module->go_text) {
        open->has_go = prof__gotable_open(&open->image, module->go_text - module->bias,
                module->go_etext - module->bias, module->go_gofunc - module->bias,
                module->go_pclntab - module->bias, &open->go);
    }
    return open;
}

static void profile_unknown(
        profile_builder *builder, const prof_module *module, uint64_t address) {
    char name[80];
    prof_frame frame = {.function = name, .file = ""};

    if (module) {
        snprintf(name, sizeof name, "%.48s+0x%llx", prof__profile_base(module->path),
                (unsigned long long)(address - module->bias));
    } else {
        snprintf(name, sizeof name, "0x%llx", (unsigned long long)address);
    }
    profile_receive(builder, &frame);
}

static void profile_resolve(
        profile_builder *builder, const prof_module *module, prof_place *place) {
    prof_profile *profile = builder->profile;

    place->line_at = (uint32_t)profile->line_count;
    if (module) {
        profile_module *open =
                profile_open(builder, (size_t)(module - profile->snapshot.modules));
        bool is_found = open->has_go &&
                        prof__gotable_resolve(&open->go, place->address - module->bias,
                                profile_receive, builder);

        if (!is_found && open->native) {
            (void)prof__native_resolve(
                    open->native, place->address, profile_receive, builder);
        }
        place->module = (uint32_t)(module - profile->snapshot.modules) + 1;
    }
    if (profile->line_count == place->line_at) {
        profile_unknown(builder, module, place->address);
    }
    place->line_count = (uint32_t)(profile->line_count - place->line_at);
}

static void profile_add_place(
        profile_builder *builder, uint64_t address, uint32_t epoch) {
    prof_profile *profile = builder->profile;
    const prof_module *module = prof__snapshot_module(&profile->snapshot, address, epoch);
    uint32_t *number =
            prof__interner_pair(builder->places, address, (uint64_t)(uintptr_t)module);

    if (!number || !PROFILE_GROW(builder, places, place_count, place_room) ||
            !PROFILE_GROW(
                    builder, sample_places, sample_place_count, sample_place_room)) {
        builder->has_failed = true;
        return;
    }
    if (*number == 0) {
        prof_place *place = &profile->places[profile->place_count++];

        *number = (uint32_t)profile->place_count;
        *place = (prof_place){.address = address};
        profile_resolve(builder, module, place);
    }
    profile->sample_places[profile->sample_place_count++] = *number - 1;
}

static bool profile_start_labels(profile_builder *builder) {
    prof_profile *profile = builder->profile;
    const prof_objects *objects = builder->objects;

    if (!objects) {
        return true;
    }
    builder->labels =
            prof__objects_label(objects, &profile->snapshot, &builder->label_count);
    profile->labels = calloc(builder->label_count + 1, sizeof *profile->labels);
    profile->object_count = objects->ledger.objects.count;
    for (size_t i = 0; i < profile->snapshot.block_count; i++) {
        profile->object_blocks += profile->snapshot.blocks[i].stack != 0;
    }
    snprintf(profile->ledger, sizeof profile->ledger, "%s", objects->name);
    return builder->labels && profile->labels;
}

/* Gives a sample the labels of its stack; samples are made in the order of stacks. */
static void profile_add_labels(
        profile_builder *builder, size_t stack, prof_sample *sample) {
    prof_profile *profile = builder->profile;

    sample->label_at = profile->label_count;
    for (; builder->label_next < builder->label_count &&
            builder->labels[builder->label_next].stack == stack;
            builder->label_next++) {
        const prof_objects_label *label = &builder->labels[builder->label_next];
        const char *type = top_snapshot_type_name(&builder->objects->ledger, label->type);

        profile->labels[profile->label_count++] =
                (prof_label){profile_string(builder, type), label->count, label->bytes,
                        label->oldest_ms};
    }
    sample->label_count = profile->label_count - sample->label_at;
}

static void profile_add_sample(profile_builder *builder, size_t index) {
    prof_profile *profile = builder->profile;
    const prof_snapshot_stack *stack = &profile->snapshot.stacks[index];
    prof_sample *sample = &profile->samples[profile->sample_count];

    if (stack->count <= 0 && stack->live_count <= 0) {
        return;
    }
    profile->sample_count++;
    profile_add_labels(builder, index, sample);
    sample->place_at = (uint32_t)profile->sample_place_count;
    sample->flags = stack->flags;
    sample->values[PROF_VALUE_COUNT] = stack->count;
    sample->values[PROF_VALUE_BYTES] = stack->bytes;
    sample->values[PROF_VALUE_LIVE_COUNT] = stack->live_count;
    sample->values[PROF_VALUE_LIVE_BYTES] = stack->live_bytes;
    for (uint32_t i = 0; i < stack->frame_count && !builder->has_failed; i++) {
        /* The call, not the instruction behind it. */
        profile_add_place(builder, stack->frames[i] - 1, stack->epoch);
    }
    sample->place_count = (uint32_t)(profile->sample_place_count - sample->place_at);
}

static void profile_close(profile_builder *builder) {
    for (size_t i = 0; builder->modules && i < builder->profile->snapshot.module_count;
            i++) {
        prof__native_close(builder->modules[i].native);
        prof__image_close(&builder->modules[i].image);
    }
    free(builder->modules);
    free(builder->labels);
    prof__interner_destroy(builder->places);
}

bool prof__profile_build(
        prof_snapshot *snapshot, const prof_objects *objects, prof_profile *out_profile) {
    prof_profile profile = {.snapshot = *snapshot};
    profile_builder builder = {.profile = &profile, .objects = objects};

    *snapshot = (prof_snapshot){.modules = NULL};
    profile.interner = prof__interner_create();
    profile.samples = calloc(profile.snapshot.stack_count + 1, sizeof *profile.samples);
    builder.places = prof__interner_create();
    builder.modules = calloc(profile.snapshot.module_count + 1, sizeof *builder.modules);
    builder.has_failed = !profile.interner || !profile.samples || !builder.places ||
                         !builder.modules || !profile_start_labels(&builder);
    for (size_t i = 0; i < profile.snapshot.stack_count && !builder.has_failed; i++) {
        profile_add_sample(&builder, i);
    }
    profile_find_main(&builder);
    profile_close(&builder);
    if (builder.has_failed) {
        prof__profile_free(&profile);
        return false;
    }
    *out_profile = profile;
    return true;
}

void prof__profile_free(prof_profile *profile) {
    prof__snapshot_free(&profile->snapshot);
    prof__interner_destroy(profile->interner);
    free(profile->functions);
    free(profile->lines);
    free(profile->places);
    free(profile->samples);
    free(profile->sample_places);
    free(profile->labels);
    *profile = (prof_profile){.functions = NULL};
}

bool prof__profile_is_own(const prof_profile *profile, const prof_function *function) {
    size_t length = strlen(profile->main_module);

    if (!function->is_go || prof__profile_is_glue(function)) {
        return false;
    }
    return strncmp(function->name, "main.", 5) == 0 ||
           (length && strncmp(function->name, profile->main_module, length) == 0 &&
                   (function->name[length] == '.' || function->name[length] == '/'));
}

/* main._Cfunc_puts and its kin; not main._cgoexp_12_f.f.func1, a line of the user's f. */
static bool profile_is_generated(const char *name) {
    static const char *const marks[] = {"._cgo", "._Cfunc_", "._C2func_"};

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *found = strstr(name, marks[i]);

        if (found && !strchr(found + 1, '.')) {
            return true;
        }
    }
    return false;
}

bool prof__profile_is_glue(const prof_function *function) {
    if (!function->is_go) {
        return strncmp(function->name, "_cgo_", 5) == 0 ||
               strncmp(function->name, "_cgoexp_", 8) == 0 ||
               strncmp(function->name, "crosscall", 9) == 0;
    }
    return strncmp(function->name, "runtime.", 8) == 0 ||
           strncmp(function->name, "runtime/", 8) == 0 ||
           strncmp(function->name, "crosscall", 9) == 0 ||
           strncmp(function->name, "_cgoexp_", 8) == 0 ||
           profile_is_generated(function->name) ||
           strcmp(prof__profile_base(function->file), "_cgo_gotypes.go") == 0;
}
