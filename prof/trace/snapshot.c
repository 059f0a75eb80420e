/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "weight.h"

enum {
    SNAPSHOT_CHUNK_BYTES = 1 << 20,
    SNAPSHOT_STACKS_MAX = 1 << PROF_STACK_BITS,
    SNAPSHOT_FRAMES_MAX = 1 << 28
};

typedef struct snapshot_source {
    int fd;
    uint64_t size;
    prof_snapshot *into;
    prof_stack *table; /* the stacks as in the file */
    uint32_t *where;   /* index in the file -> index in the snapshot + 1 */
    prof_addresses addresses;
    char *problem;
    size_t problem_bytes;
} snapshot_source;

__attribute__((format(printf, 2, 3))) static bool snapshot_fail(
        snapshot_source *source, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(source->problem, source->problem_bytes, format, arguments);
    va_end(arguments);
    return false;
}

static bool snapshot_out_of_memory(snapshot_source *source) {
    return snapshot_fail(source, "out of memory");
}

/* Reads into memory that is zero already; a short file leaves zeroes. */
static void snapshot_read(
        const snapshot_source *source, void *into, uint64_t bytes, uint64_t at) {
    char *to = into;

    while (bytes > 0) {
        ssize_t got = pread(source->fd, to, bytes, (off_t)at);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return;
        }
        to += got;
        at += (uint64_t)got;
        bytes -= (uint64_t)got;
    }
}

/* The next place at or after `at` that has data; `end` when there is none. */
static uint64_t snapshot_data(const snapshot_source *source, uint64_t at, uint64_t end) {
    off_t found = lseek(source->fd, (off_t)at, SEEK_DATA);

    if (found < 0) {
        return errno == ENXIO ? end : at; /* EINVAL: no holes here, all is data */
    }
    return (uint64_t)found < end ? (uint64_t)found : end;
}

static bool snapshot_check_section(snapshot_source *source, const prof_section *section,
        uint64_t entry_bytes, uint64_t count_max, const char *name) {
    if (section->offset % 8 || section->offset < PROF_HEADER_BYTES ||
            section->offset > source->size || section->count > count_max ||
            section->count > (source->size - section->offset) / entry_bytes) {
        return snapshot_fail(
                source, "damaged trace: the table of %s does not fit the file", name);
    }
    return true;
}

static bool snapshot_read_header(snapshot_source *source) {
    prof_trace_header *header = &source->into->header;

    if (source->size < PROF_HEADER_BYTES) {
        return snapshot_fail(source, "not a belay-prof trace (too short)");
    }
    snapshot_read(source, header, sizeof *header, 0);
    if (header->magic != PROF_TRACE_MAGIC) {
        return snapshot_fail(source, "not a belay-prof trace");
    }
    if (header->version != PROF_TRACE_VERSION) {
        return snapshot_fail(source,
                "trace of version %u, this belay-prof reads version %u", header->version,
                PROF_TRACE_VERSION);
    }
    header->command[sizeof header->command - 1] = 0;
    for (char *at = header->command; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 127) {
            *at = '?'; /* it is shown on terminals */
        }
    }
    if (header->period_bytes == 0) {
        return snapshot_fail(source, "damaged trace: no sampling period");
    }
    return snapshot_check_section(source, &header->lanes, sizeof(prof_lane),
                   PROF_LANES_MAX, "threads") &&
           snapshot_check_section(source, &header->modules, sizeof(prof_module),
                   PROF_MODULES_MAX, "modules") &&
           snapshot_check_section(source, &header->stacks, sizeof(prof_stack),
                   SNAPSHOT_STACKS_MAX, "stacks") &&
           snapshot_check_section(source, &header->frames, sizeof(uint64_t),
                   SNAPSHOT_FRAMES_MAX, "frames") &&
           snapshot_check_section(
                   source, &header->blocks, sizeof(prof_block), 1ULL << 32, "blocks");
}

static bool snapshot_read_modules(snapshot_source *source) {
    prof_snapshot *into = source->into;
    uint64_t used =
            atomic_load_explicit(&into->header.modules_used, memory_order_relaxed);

    if (used > into->header.modules.count) {
        used = into->header.modules.count;
    }
    into->modules = calloc(used + 1, sizeof *into->modules);
    if (!into->modules) {
        return snapshot_out_of_memory(source);
    }
    snapshot_read(source, into->modules, used * sizeof *into->modules,
            into->header.modules.offset);
    into->module_count = used;
    for (size_t i = 0; i < used; i++) {
        prof_module *module = &into->modules[i];

        module->path[sizeof module->path - 1] = 0;
        if (module->build_id_len > sizeof module->build_id) {
            module->build_id_len = 0;
        }
    }
    return true;
}

static bool snapshot_read_frames(snapshot_source *source) {
    prof_snapshot *into = source->into;
    uint64_t used = atomic_load_explicit(&into->header.frames_used, memory_order_relaxed);

    if (used > into->header.frames.count) {
        used = into->header.frames.count;
    }
    into->header.frames.count = used;
    into->frames = calloc(used + 1, sizeof *into->frames);
    if (!into->frames) {
        return snapshot_out_of_memory(source);
    }
    snapshot_read(source, into->frames, used * sizeof *into->frames,
            into->header.frames.offset);
    return true;
}

static void snapshot_add_stack(prof_snapshot *into, const prof_stack *from) {
    prof_snapshot_stack *stack = &into->stacks[into->stack_count++];
    uint64_t frames = from->frame_count, at = from->frames_at;

    stack->flags = from->flags;
    stack->epoch = from->epoch;
    stack->count = (double)from->count_q16 / (1 << PROF_COUNT_FRACTION_BITS);
    stack->bytes = (double)from->bytes;
    stack->samples = from->samples;
    if (frames <= PROF_FRAMES_MAX && at + frames <= into->header.frames.count) {
        stack->frames = into->frames + at;
        stack->frame_count = (uint32_t)frames;
    }
}

static bool snapshot_read_stacks(snapshot_source *source) {
    prof_snapshot *into = source->into;
    uint64_t count = into->header.stacks.count, used = 0;

    source->table = calloc(count + 1, sizeof *source->table);
    source->where = calloc(count + 1, sizeof *source->where);
    if (!source->table || !source->where) {
        return snapshot_out_of_memory(source);
    }
    snapshot_read(source, source->table, count * sizeof *source->table,
            into->header.stacks.offset);
    for (uint64_t i = 0; i < count; i++) {
        used += source->table[i].hash != 0;
    }
    into->stacks = calloc(used + 1, sizeof *into->stacks);
    if (!into->stacks) {
        return snapshot_out_of_memory(source);
    }
    for (uint64_t i = 0; i < count; i++) {
        if (source->table[i].hash != 0) {
            source->where[i] = (uint32_t)into->stack_count + 1;
            snapshot_add_stack(into, &source->table[i]);
        }
    }
    return true;
}

static prof_snapshot_stack *snapshot_stack_at(
        const snapshot_source *source, uint64_t index) {
    if (index >= source->into->header.stacks.count || !source->where[index]) {
        return NULL;
    }
    return &source->into->stacks[source->where[index] - 1];
}

/* Calls `visit` with every run of entries of a table that the file has data for. */
static bool snapshot_visit(snapshot_source *source, const prof_section *section,
        uint64_t entry_bytes, void (*visit)(snapshot_source *, const void *, size_t)) {
    uint64_t at = section->offset, end = section->offset + section->count * entry_bytes;
    uint64_t chunk = SNAPSHOT_CHUNK_BYTES / entry_bytes * entry_bytes;
    char *buffer = malloc(chunk);

    if (!buffer) {
        return snapshot_out_of_memory(source);
    }
    while ((at = snapshot_data(source, at, end)) < end) {
        uint64_t first =
                section->offset + (at - section->offset) / entry_bytes * entry_bytes;
        uint64_t bytes = end - first < chunk ? end - first : chunk;

        memset(buffer, 0, bytes);
        snapshot_read(source, buffer, bytes, first);
        visit(source, buffer, bytes / entry_bytes);
        at = first + bytes;
    }
    free(buffer);
    return true;
}

static void snapshot_visit_lanes(
        snapshot_source *source, const void *entries, size_t count) {
    const prof_lane *lanes = entries;

    for (size_t i = 0; i < count; i++) {
        for (int slot = 0; slot < PROF_LANE_SLOTS; slot++) {
            const prof_lane_slot *from = &lanes[i].slots[slot];
            prof_snapshot_stack *stack =
                    from->count ? snapshot_stack_at(source, from->stack) : NULL;

            if (stack) {
                stack->count += (double)from->count;
                stack->bytes += (double)from->bytes;
            }
        }
    }
}

/* Notes the block if it is that of an address asked for. The first one counts: two that
 * hold one address are in a damaged trace only. */
static void snapshot_note_block(snapshot_source *source, uint64_t address, uint64_t size,
        prof_snapshot_block found) {
    size_t at = prof__addresses_find(&source->addresses, address, size);

    if (at < source->addresses.count && source->into->blocks[at].stack == 0) {
        source->into->blocks[at] = found;
    }
}

static void snapshot_visit_blocks(
        snapshot_source *source, const void *entries, size_t count) {
    const prof_block *blocks = entries;
    uint64_t period = source->into->header.period_bytes;

    for (size_t i = 0; i < count; i++) {
        uint64_t value = blocks[i].value, size = value & PROF_SIZE_MAX;
        prof_snapshot_stack *stack = NULL;

        if (blocks[i].address && value) {
            stack = snapshot_stack_at(source, value >> (64 - PROF_STACK_BITS));
        }
        if (stack) {
            double weight = prof__weight_of(size, period);

            stack->live_count += weight;
            stack->live_bytes += weight * (double)size;
            stack->live_samples++;
            snapshot_note_block(source, blocks[i].address, size,
                    (prof_snapshot_block){(uint32_t)(stack - source->into->stacks) + 1,
                            weight, weight * (double)size});
        }
    }
}

/* The program went on between the reading of its counts and that of its blocks: what is
 * live was allocated. */
static void snapshot_settle(prof_snapshot *into) {
    for (size_t i = 0; i < into->stack_count; i++) {
        prof_snapshot_stack *stack = &into->stacks[i];

        stack->count = fmax(stack->count, stack->live_count);
        stack->bytes = fmax(stack->bytes, stack->live_bytes);
    }
}

static bool snapshot_fill(snapshot_source *source) {
    prof_snapshot *into = source->into;
    prof_trace_header *header = &into->header;

    into->blocks = calloc(into->block_count + 1, sizeof *into->blocks);
    if (!into->blocks) {
        return snapshot_out_of_memory(source);
    }
    return snapshot_read_header(source) && snapshot_read_modules(source) &&
           snapshot_read_frames(source) && snapshot_read_stacks(source) &&
           snapshot_visit(
                   source, &header->lanes, sizeof(prof_lane), snapshot_visit_lanes) &&
           snapshot_visit(
                   source, &header->blocks, sizeof(prof_block), snapshot_visit_blocks);
}

static bool snapshot_open(snapshot_source *source, const char *path) {
    struct stat status;

    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (source->fd < 0 || fstat(source->fd, &status) < 0) {
        return snapshot_fail(source, "%s", strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return snapshot_fail(source, "not a regular file");
    }
    source->size = (uint64_t)status.st_size;
    return true;
}

static void snapshot_close(snapshot_source *source) {
    if (source->fd >= 0) {
        close(source->fd);
    }
    free(source->table);
    free(source->where);
}

bool prof__snapshot_header(
        const char *path, prof_trace_header *out, char *problem, size_t problem_bytes) {
    prof_snapshot snapshot = {.modules = NULL};
    snapshot_source source = {
            .into = &snapshot, .problem = problem, .problem_bytes = problem_bytes};
    bool is_good = snapshot_open(&source, path) && snapshot_read_header(&source);

    snapshot_close(&source);
    *out = snapshot.header;
    return is_good;
}

bool prof__snapshot_load(const char *path, prof_addresses addresses, prof_snapshot *out,
        char *problem, size_t problem_bytes) {
    prof_snapshot snapshot = {.block_count = addresses.count};
    snapshot_source source = {.into = &snapshot,
            .addresses = addresses,
            .problem = problem,
            .problem_bytes = problem_bytes};
    struct timespec now;
    bool is_good = snapshot_open(&source, path) && snapshot_fill(&source);

    snapshot_close(&source);
    if (!is_good) {
        prof__snapshot_free(&snapshot);
        return false;
    }
    snapshot_settle(&snapshot);
    clock_gettime(CLOCK_REALTIME, &now);
    snapshot.taken_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    *out = snapshot;
    return true;
}

void prof__snapshot_free(prof_snapshot *snapshot) {
    free(snapshot->modules);
    free(snapshot->stacks);
    free(snapshot->frames);
    free(snapshot->blocks);
    *snapshot = (prof_snapshot){.modules = NULL};
}

const prof_module *prof__snapshot_module(
        const prof_snapshot *snapshot, uint64_t address, uint32_t epoch) {
    size_t known = epoch < snapshot->module_count ? epoch : snapshot->module_count;

    for (size_t i = known; i-- > 0;) {
        const prof_module *module = &snapshot->modules[i];

        if (module->born && address >= module->start && address < module->end) {
            return module;
        }
    }
    return NULL;
}
