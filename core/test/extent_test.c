/* SPDX-License-Identifier: MIT */
/* extent_test.c - the rows of many objects: where in the file they are, and in which
 * pages. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "memfd.h"
#include "thing.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define LARGE ((size_t)2 << 20)
#define ROW sizeof(belay_ledger_row)
#define SMALL (LARGE / ROW)               /* rows that come before the extents */
#define MANY (SMALL * 3 + SMALL / 4 + 10) /* ends within an extent's second segment */
#define KEPT 77                           /* an errno */

static char path[sizeof trial_folder + 64];
static thing objects[MANY];
static belay_handle handles[MANY];
static size_t opened = 0;

static void in_the_folder(void) {
    snprintf(path, sizeof path, "%s/a.ledger", trial_folder);
    setenv("BELAY_LEDGER", path, 1);
}

static int destroy_nothing(void *context, void *object) {
    (void)context;
    (void)object;
    return 0;
}

/* Opens until the table has given `count` slots. */
static void open_up_to(belay_type type, size_t count) {
    for (; opened < count; opened++) {
        handles[opened] = thing_own(type, &objects[opened]);
    }
}

/* A descriptor of the ledger of this process, as a viewer gets it. */
static int ledger_reader(void) {
    if (strcmp(belay_ledger_name(), path) == 0) {
        return open(path, O_RDONLY | O_CLOEXEC);
    }
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", memfd_of_ledger());
    return open(link, O_RDONLY | O_CLOEXEC);
}

/* What a viewer sees: the whole file. */
typedef struct image {
    const unsigned char *bytes;
    size_t length;
    const belay_ledger_segment *segments;
    uint32_t count;
} image;

static image image_map(void) {
    struct stat status;
    int fd = ledger_reader();
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    image self = {.length = (size_t)status.st_size};
    void *bytes = mmap(NULL, self.length, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(bytes != MAP_FAILED);
    close(fd);
    self.bytes = bytes;
    self.segments = (const void *)(self.bytes + BELAY_LEDGER_HEADER_BYTES);
    self.count = ((const belay_ledger_header *)bytes)->directory_count;
    return self;
}

static uint64_t segment_bytes(const belay_ledger_segment *self) {
    return (uint64_t)self->count * self->stride;
}

/* Every segment is in the file, alone. */
static void assert_disjoint(const image *file) {
    for (uint32_t i = 0; i < file->count; i++) {
        const belay_ledger_segment *one = &file->segments[i];
        assert_true(one->offset + segment_bytes(one) <= file->length);
        for (uint32_t j = 0; j < i; j++) {
            const belay_ledger_segment *other = &file->segments[j];
            assert_true(one->offset + segment_bytes(one) <= other->offset ||
                        other->offset + segment_bytes(other) <= one->offset);
        }
    }
}

/* Every object is in the row that its handle names. */
static void assert_rows(const image *file) {
    for (uint32_t i = 0; i < file->count; i++) {
        const belay_ledger_segment *at = &file->segments[i];
        if (at->kind != BELAY_LEDGER_ROWS) {
            continue;
        }
        const belay_ledger_row *rows = (const void *)(file->bytes + at->offset);
        for (size_t j = 0; j < opened; j++) {
            uint32_t row = belay__handle_index(handles[j]) - at->first;
            if (row < at->count) {
                assert_true(rows[row].object == (uint64_t)(uintptr_t)&objects[j]);
                assert_true(rows[row].state & BELAY_STATE_LIVE);
            }
        }
    }
}

/* Segments of rows past the first are at multiples of their size, in file and memory.
 * Returns how many. */
static int assert_aligned(const image *file) {
    int found = 0;
    for (uint32_t i = 0; i < file->count; i++) {
        const belay_ledger_segment *at = &file->segments[i];
        if (at->kind == BELAY_LEDGER_ROWS && at->first >= SMALL) {
            uint64_t within = at->first * ROW % LARGE;
            assert_int_equal(at->offset % LARGE, within);
            assert_int_equal((uintptr_t)belay__bind_slot(at->first) % LARGE, within);
            found++;
        }
    }
    return found;
}

static void assert_many_rows(void) {
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    errno = KEPT;
    open_up_to(type, MANY);
    assert_int_equal(errno, KEPT);
    image file = image_map();
    assert_disjoint(&file);
    assert_rows(&file);
    assert_int_equal(thing_reported(BELAY_REPORT_LEDGER_LOST), 0);
    munmap((void *)(uintptr_t)file.bytes, file.length);
}

/* The value of `field`, summed over all mappings of /proc/self/smaps whose line holds
 * `name`. */
static unsigned long smaps_sum(const char *name, const char *field) {
    char line[1024];
    bool is_ours = false;
    unsigned long sum = 0;
    FILE *file = fopen("/proc/self/smaps", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, field, strlen(field)) == 0) {
            sum += is_ours ? strtoul(line + strlen(field), NULL, 10) : 0;
        } else if (strchr(line, '-') != NULL && strstr(line, " kB") == NULL) {
            is_ours = strstr(line, name) != NULL; /* a mapping's first line */
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return sum;
}

/* Asks the system for one large page of a file in memory, in its plainest way. */
static bool system_has_large_pages(void) {
    int fd = memfd_create("belay-probe", MFD_CLOEXEC);
    unsigned char *place =
            mmap(NULL, 2 * LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *aligned = place + (LARGE - (uintptr_t)place % LARGE) % LARGE;
    if (fd < 0 || place == MAP_FAILED || ftruncate(fd, (off_t)LARGE) != 0 ||
            mmap(aligned, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) !=
                    aligned) {
        return false;
    }
    *(volatile unsigned char *)aligned = 0;
    return madvise(aligned, LARGE, MADV_COLLAPSE) == 0 &&
           smaps_sum("memfd:belay-probe", "ShmemPmdMapped:") == LARGE / 1024;
}

/* Goal: rows past the first are in extents that can be large pages, and readers find
 * them. Method: more objects than three extents hold; then offsets, addresses and rows,
 * by the directory. */
TRIAL(many_rows_in_memory) {
    if (sysconf(_SC_PAGESIZE) != 4096) {
        trial_skip("large pages have another size");
    }
    belay_type type = thing_type();
    open_up_to(type, SMALL + 1);
    image file = image_map();
    assert_int_equal(assert_aligned(&file), 1);
    assert_true(file.length < 3 * LARGE); /* no other large page yet */
    munmap((void *)(uintptr_t)file.bytes, file.length);
    assert_many_rows();
    if (system_has_large_pages()) {
        file = image_map();
        assert_int_equal(assert_aligned(&file), 4 + 4 + 2);
    }
}

/* Goal: so it is in a file, which has no large pages on most file systems. Method: the
 * same at a path, but for the alignment. */
TRIAL(many_rows_in_a_file) {
    in_the_folder();
    assert_many_rows();
    assert_string_equal(belay_ledger_name(), path);
}

/* Goal: few objects take no more memory than before there were extents. Method: as many
 * as fit; the file has no hole and nothing to spare. */
TRIAL(few_rows_are_small) {
    belay_type type = thing_type();
    open_up_to(type, SMALL - 2 * BELAY__GROUP_SLOTS);
    image file = image_map();
    size_t head = BELAY_LEDGER_HEADER_BYTES +
                  BELAY_LEDGER_DIRECTORY_MAX * sizeof(belay_ledger_segment);
    size_t sum = 0;
    for (uint32_t i = 0; i < file.count; i++) {
        sum += segment_bytes(&file.segments[i]);
    }
    size_t pages = (file.count + 1) * (size_t)sysconf(_SC_PAGESIZE);
    assert_true(file.length >= head + sum && file.length < head + sum + pages);
}

/* Goal: the rows are in large pages where the system has them for files in memory.
 * Method: what it says about our mapping, if it gives one to another. */
TRIAL(large_pages_where_there_are) {
    if (!system_has_large_pages()) {
        trial_skip("no large pages for files in memory");
    }
    belay_type type = thing_type();
    open_up_to(type, SMALL * 2 + 1);
    assert_int_equal(
            smaps_sum("memfd:belay-ledger", "ShmemPmdMapped:"), 2 * LARGE / 1024);
}

/* Goal: where an extent can't be, rows come as before. Method: a limit of file sizes that
 * the file may reach by one small segment; the next is private. */
TRIAL(no_room_for_an_extent) {
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    open_up_to(type, SMALL - 2 * BELAY__GROUP_SLOTS);
    image file = image_map();
    size_t segment = BELAY__SEGMENT_SLOTS * ROW;
    struct rlimit limit = {.rlim_cur = file.length + segment, .rlim_max = RLIM_INFINITY};
    assert_true(file.length % LARGE + segment < LARGE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    errno = KEPT;
    open_up_to(type, SMALL + BELAY__SEGMENT_SLOTS - BELAY__GROUP_SLOTS);
    assert_int_equal(errno, KEPT);
    assert_int_equal(thing_reported(BELAY_REPORT_LEDGER_LOST), 0);
    image grown = image_map();
    assert_int_equal(grown.length, file.length + segment);
    assert_disjoint(&grown);
    assert_rows(&grown);
    open_up_to(type, SMALL + BELAY__SEGMENT_SLOTS + BELAY__GROUP_SLOTS);
    assert_int_equal(thing_reported(BELAY_REPORT_LEDGER_LOST), 1);
}

/* Goal: no store to a row ends the program because the file system is full. Method: one
 * of 4 MiB, which is not enough for a large page, and more objects than it holds. */
TRIAL(no_room_for_a_large_page) {
    if (unshare(CLONE_NEWNS) != 0 ||
            mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("tmpfs", trial_folder, "tmpfs", 0, "size=4m") != 0) {
        trial_skip("no file systems for this user");
    }
    in_the_folder();
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    open_up_to(type, MANY);
    assert_true(thing_reported(BELAY_REPORT_LEDGER_LOST) >= 1);
    image file = image_map();
    assert_disjoint(&file);
    assert_rows(&file);
    for (size_t i = 0; i < opened; i++) {
        assert_status(BELAY_OK, belay_close(handles[i], NULL));
    }
}

/* Goal: the child of a fork has nothing of its parent's extent, not even what no segment
 * is in. Method: fork with an extent in use; the child opens more than it would hold,
 * closes all, and maps no ledger; the parent's rows are as before. */
TRIAL(extent_is_the_parents) {
    belay_type type = thing_type_of((belay_type_options){.destroy = destroy_nothing});
    open_up_to(type, SMALL + 1);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        assert_int_equal(smaps_sum("memfd:belay-ledger", "Size:"), 0);
        open_up_to(type, SMALL * 2 + 1);
        for (size_t i = 0; i < opened; i++) {
            assert_status(BELAY_OK, belay_close(handles[i], NULL));
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    open_up_to(type, MANY);
    image file = image_map();
    assert_disjoint(&file);
    assert_rows(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(many_rows_in_memory),
            cmocka_unit_test(many_rows_in_a_file),
            cmocka_unit_test(few_rows_are_small),
            cmocka_unit_test(large_pages_where_there_are),
            cmocka_unit_test(no_room_for_an_extent),
            cmocka_unit_test(no_room_for_a_large_page),
            cmocka_unit_test(extent_is_the_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
