/* SPDX-License-Identifier: MIT */
/* fuzz.c - the readers against damaged files: a good trace, the program it names and its
 * ledger are changed at random places, read, resolved and exported, and put back. Built
 * with the address and undefined behaviour sanitizers, which end it at the first wrong
 * access.
 *
 *   fuzz TRACE PROGRAM LEDGER SECONDS SEED */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../export/flame.h"
#include "../export/folded.h"
#include "../export/growth.h"
#include "../export/pprof.h"
#include "../export/text.h"
#include "../resolve/objects.h"
#include "../resolve/profile.h"

enum { FUZZ_FILES = 3, FUZZ_CHANGES_MAX = 8, FUZZ_EXTENTS_MAX = 256 };

typedef struct fuzz_file {
    int fd;
    off_t start[FUZZ_EXTENTS_MAX], end[FUZZ_EXTENTS_MAX]; /* where it has data */
    int extents;
} fuzz_file;

typedef struct fuzz_change {
    int fd;
    off_t at;
    uint8_t old[8];
    size_t bytes;
} fuzz_change;

static uint64_t fuzz_state = 1;

static uint64_t fuzz_random(void) {
    fuzz_state ^= fuzz_state << 13;
    fuzz_state ^= fuzz_state >> 7;
    fuzz_state ^= fuzz_state << 17;
    return fuzz_state;
}

static void fuzz_open(const char *path, fuzz_file *file) {
    off_t at = 0;

    file->fd = open(path, O_RDWR);
    if (file->fd < 0) {
        perror(path);
        exit(2);
    }
    while (file->extents < FUZZ_EXTENTS_MAX &&
            (at = lseek(file->fd, at, SEEK_DATA)) >= 0) {
        file->start[file->extents] = at;
        file->end[file->extents] = at = lseek(file->fd, at, SEEK_HOLE);
        file->extents++;
    }
}

/* Half of the changes go to the head of the file, where the places of the rest are. */
static off_t fuzz_place(const fuzz_file *file) {
    uint64_t extent = fuzz_random() % (uint64_t)file->extents;
    off_t length = file->end[extent] - file->start[extent];

    if (fuzz_random() % 2) {
        return (off_t)(fuzz_random() % 256);
    }
    return file->start[extent] + (off_t)(fuzz_random() % (uint64_t)length);
}

static void fuzz_change_one(const fuzz_file *file, fuzz_change *change) {
    static const uint64_t values[] = {
            0, UINT64_MAX, INT64_MAX, UINT32_MAX, 1, 1ULL << 44, 4096};
    uint64_t value = fuzz_random() % 3
                             ? fuzz_random()
                             : values[fuzz_random() % (sizeof values / sizeof *values)];
    ssize_t got;

    change->fd = file->fd;
    change->at = fuzz_place(file);
    change->bytes = fuzz_random() % 2 ? 1 : 8;
    if (change->bytes == 8) {
        change->at &= ~7L;
    }
    got = pread(change->fd, change->old, change->bytes, change->at);
    change->bytes = got > 0 ? (size_t)got : 0;
    if (pwrite(change->fd, &value, change->bytes, change->at) != got) {
        exit(2);
    }
}

/* Returns true when the ledger was still readable. Its process is another one when it is
 * damaged so: labels are made all the same. */
static bool fuzz_read_ledger(
        const top_source *ledger, const char *trace, prof_objects *out) {
    prof_trace_header header;
    char problem[256];
    top_failure failure = {.text = ""};

    if (!prof__objects_read(ledger, out, &failure)) {
        if (!failure.text[0]) {
            abort(); /* a refusal without a reason */
        }
        return false;
    }
    if (prof__snapshot_header(trace, &header, problem, sizeof problem)) {
        (void)prof__objects_check(out, &header, fuzz_random() % 2, &failure);
    }
    return true;
}

/* Returns 1 when the trace was still readable. */
static int fuzz_read(const char *path, const prof_objects *objects, FILE *out) {
    prof_addresses addresses = {objects->addresses, objects->ledger.objects.count};
    prof_snapshot snapshot;
    prof_profile profile;
    char problem[256];

    if (!prof__snapshot_load(path, addresses, &snapshot, problem, sizeof problem)) {
        if (!problem[0]) {
            abort(); /* a refusal without a reason */
        }
        return 0;
    }
    prof__objects_keep(objects, objects, &snapshot);
    if (prof__profile_build(&snapshot, objects->addresses ? objects : NULL, &profile)) {
        prof__text_report(out, &profile, 10);
        prof__text_raw(out, &profile);
        prof__pprof_write(out, &profile, NULL);
        prof__folded_write(out, &profile, PROF_VALUE_LIVE_BYTES);
        prof__flame_write(out, &profile, PROF_VALUE_BYTES, "fuzz");
        prof__growth_write(out, &profile, &profile, 10);
        prof__profile_free(&profile);
    }
    return 1;
}

static const fuzz_file *fuzz_pick(const fuzz_file files[FUZZ_FILES]) {
    uint64_t pick = fuzz_random() % 6; /* the trace in three of six, the program in one */

    return &files[pick < 3 ? 0 : pick == 3 ? 1 : 2];
}

int main(int argc, char **argv) {
    fuzz_file files[FUZZ_FILES] = {{.fd = -1}, {.fd = -1}, {.fd = -1}};
    FILE *out = fopen("/dev/null", "w");
    prof_objects objects = {.addresses = NULL};
    top_source ledger;
    top_failure failure;
    time_t end;
    long rounds = 0, readable = 0, ledgers = 0;

    if (argc != 6 || !out) {
        fprintf(stderr, "usage: fuzz TRACE PROGRAM LEDGER SECONDS SEED\n");
        return 2;
    }
    for (int i = 0; i < FUZZ_FILES; i++) {
        fuzz_open(argv[i + 1], &files[i]);
    }
    fuzz_state = strtoull(argv[5], NULL, 10) * 2 + 1;
    end = time(NULL) + strtol(argv[4], NULL, 10);
    if (!top_source_open(&ledger, argv[3], &failure) ||
            !fuzz_read_ledger(&ledger, argv[1], &objects) ||
            !fuzz_read(argv[1], &objects, out)) {
        fprintf(stderr, "fuzz: the trace or the ledger is no good to begin with\n");
        return 2;
    }
    prof__objects_free(&objects);
    for (; time(NULL) < end; rounds++) {
        fuzz_change changes[FUZZ_CHANGES_MAX];
        int count = 1 + (int)(fuzz_random() % FUZZ_CHANGES_MAX);

        for (int i = 0; i < count; i++) {
            fuzz_change_one(fuzz_pick(files), &changes[i]);
        }
        ledgers += fuzz_read_ledger(&ledger, argv[1], &objects);
        readable += fuzz_read(argv[1], &objects, out);
        prof__objects_free(&objects);
        while (count-- > 0) {
            if (pwrite(changes[count].fd, changes[count].old, changes[count].bytes,
                        changes[count].at) < 0) {
                return 2;
            }
        }
    }
    top_source_close(&ledger);
    printf("%ld damaged sets, %ld traces and %ld ledgers of them readable\n", rounds,
            readable, ledgers);
    return rounds == 0;
}
