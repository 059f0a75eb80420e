/* SPDX-License-Identifier: MIT */
/* mapper.c - mappings that are made, cut, moved and covered, and what must be live then.
 *
 *   mapper               each case once; prints its name and the four values of --raw.
 *                        A hole counts as an allocation of no bytes.
 *   mapper race          threads that take and give back the same addresses
 *   mapper sample        many mappings, each cut to a sixteenth; prints what is left */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, MIB = 1 << 20, ROUNDS = 20000, THREADS = 4, SAMPLES = 2000 };

#define CASE static __attribute__((noinline)) void

static void expect(int is_true, const char *what) {
    if (!is_true) {
        fprintf(stderr, "mapper: %s\n", what);
        exit(1);
    }
}

static char *take(size_t bytes) {
    char *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    expect(pages != MAP_FAILED, "mmap");
    return pages;
}

static void give(char *pages, size_t bytes) {
    expect(munmap(pages, bytes) == 0, "munmap");
}

static void truth(const char *name, int count, int bytes, int live, int live_bytes) {
    printf("%s %d %d %d %d\n", name, count, bytes, live, live_bytes);
}

CASE case_whole(void) {
    char *blocks[10];

    for (int i = 0; i < 10; i++) {
        blocks[i] = take(MIB);
    }
    for (int i = 0; i < 3; i++) {
        give(blocks[i], MIB);
    }
    take(PAGE); /* too small to count */
    truth("case_whole", 10, 10 * MIB, 7, 7 * MIB);
}

CASE case_head(void) {
    give(take(MIB), 3 * PAGE);
    truth("case_head", 1, MIB, 1, MIB - 3 * PAGE);
}

CASE case_tail(void) {
    give(take(MIB) + 3 * PAGE, MIB - 3 * PAGE);
    truth("case_tail", 1, MIB, 1, 3 * PAGE);
}

CASE case_middle(void) {
    give(take(MIB) + PAGE, 5 * PAGE);
    truth("case_middle", 2, MIB, 2, MIB - 5 * PAGE);
}

/* Page by page, from the middle outward, until nothing is left. */
CASE case_all_parts(void) {
    char *pages = take(64 * PAGE);

    for (int i = 0; i < 64; i++) {
        give(pages + (i % 2 ? 31 - i / 2 : 32 + i / 2) * PAGE, PAGE);
    }
    truth("case_all_parts", 2, 64 * PAGE, 0, 0);
}

/* One munmap that takes the end of one, all of another and the head of a third. */
CASE case_across(void) {
    char *pages = take(3 * MIB);

    for (int i = 0; i < 3; i++) {
        expect(mmap(pages + i * MIB, MIB, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == pages + i * MIB,
                "mmap there");
    }
    give(pages + MIB - PAGE, MIB + 2 * PAGE);
    truth("case_across", 4, 6 * MIB, 2, 2 * (MIB - PAGE));
}

/* Memory that can't be written does not count, but takes the place of what does. */
CASE case_covered(void) {
    char *pages = take(MIB);

    expect(mmap(pages + PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                   -1, 0) == pages + PAGE,
            "mmap over it");
    truth("case_covered", 2, MIB, 2, MIB - PAGE);
}

/* A length that is no whole number of pages. */
CASE case_odd(void) {
    give(take(MIB + 5), PAGE);
    give(take(MIB + 5), MIB + 5);
    give(take(MIB + 5) + MIB, 1);
    truth("case_odd", 3, 3 * MIB + 15, 2, MIB + 5 - PAGE + MIB);
}

/* Refused: all stays. */
CASE case_refused(void) {
    char *pages = take(MIB);

    expect(munmap(pages + 1, MIB) != 0 && munmap(pages, 0) != 0, "munmap of no page");
    expect(mremap(pages, MIB, 2 * MIB, MREMAP_FIXED, pages) == MAP_FAILED, "mremap");
    truth("case_refused", 1, MIB, 1, MIB);
}

static char *remap(char *pages, size_t old, size_t bytes, int flags, char *place) {
    char *moved = mremap(pages, old, bytes, flags, place);

    expect(moved != MAP_FAILED, "mremap");
    return moved;
}

CASE case_grow(void) {
    char *pages = take(MIB);

    memset(pages, 1, MIB);
    pages = remap(pages, MIB, 3 * MIB, MREMAP_MAYMOVE, NULL);
    expect(pages[MIB - 1] == 1, "what mremap moved is not there");
    truth("case_grow", 2, 4 * MIB, 1, 3 * MIB);
}

CASE case_grow_small(void) {
    remap(take(PAGE), PAGE, MIB, MREMAP_MAYMOVE, NULL);
    truth("case_grow_small", 1, MIB, 1, MIB);
}

CASE case_shrink(void) {
    remap(take(MIB), MIB, MIB - PAGE, 0, NULL);
    truth("case_shrink", 2, 2 * MIB - PAGE, 1, MIB - PAGE);
}

/* Over another one, whose other half stays; then the old place is given back: nothing. */
CASE case_move(void) {
    char *pages = take(MIB), *place = take(2 * MIB);

    remap(pages, MIB, MIB, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    give(pages, MIB);
    truth("case_move", 3, 4 * MIB, 2, 2 * MIB);
}

CASE case_move_part(void) {
    char *pages = take(3 * MIB), *place = take(MIB);

    give(remap(pages + MIB, MIB, MIB, MREMAP_MAYMOVE | MREMAP_FIXED, place), MIB);
    truth("case_move_part", 4, 5 * MIB, 2, 2 * MIB);
}

/* What is no memory of the program's own does not become that by being moved. */
CASE case_foreign(void) {
    char *pages = mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    expect(pages != MAP_FAILED, "mmap");
    remap(pages, MIB, 2 * MIB, MREMAP_MAYMOVE, NULL);
    truth("case_foreign", 0, 0, 0, 0);
}

static __attribute__((noinline)) void *case_race(void *unused) {
    for (int i = 0; i < ROUNDS; i++) {
        char *pages = take(4 * PAGE);

        pages = remap(pages, 4 * PAGE, 2 * PAGE, 0, NULL);
        give(pages, PAGE);
        give(pages + PAGE, PAGE);
    }
    for (int i = 0; i < 10; i++) {
        take(4 * PAGE);
    }
    return unused;
}

static void race(void) {
    pthread_t each[THREADS];

    for (int i = 0; i < THREADS; i++) {
        expect(pthread_create(&each[i], NULL, case_race, NULL) == 0, "pthread_create");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(each[i], NULL);
    }
    truth("case_race", THREADS * (2 * ROUNDS + 10), THREADS * (6 * ROUNDS + 40) * PAGE,
            THREADS * 10, THREADS * 40 * PAGE);
}

CASE case_sample(void) {
    for (int i = 0; i < SAMPLES; i++) {
        char *pages = take(MIB);

        give(pages, MIB / 2);
        give(pages + MIB / 2 + MIB / 16, MIB / 2 - MIB / 16);
    }
    truth("case_sample", SAMPLES, SAMPLES * MIB, SAMPLES, SAMPLES * (MIB / 16));
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "race") == 0) {
        race();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "sample") == 0) {
        case_sample();
        return 0;
    }
    case_whole();
    case_head();
    case_tail();
    case_middle();
    case_all_parts();
    case_across();
    case_covered();
    case_odd();
    case_refused();
    case_grow();
    case_grow_small();
    case_shrink();
    case_move();
    case_move_part();
    case_foreign();
    return 0;
}
