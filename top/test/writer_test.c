/* SPDX-License-Identifier: MIT */
/* writer_test.c - goal: a program that writes while it is read gives whole rows or none,
 * and one that shrinks its file harms nobody. Method: a thread writes the ledger by the
 * rules of ledger.h, each field made from the row's generation, and every row read must
 * fit together; then reads that come torn on purpose (pread is wrapped), since real tears
 * are rare. */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/snapshot.h"
#include "synthetic.h"
#include "unit.h"

#define WRITER_READINGS 300

typedef struct writer {
    const top_source *source;
    unsigned char *bytes; /* the file, mapped */
    const synthetic *ledger;
    int is_over;
} writer;

static void writer_open(belay_ledger_row *row, uint64_t generation) {
    row->object = generation * 3;
    row->size_bytes = generation * 5;
    row->opened_ms = (uint32_t)generation;
    row->site = (uint32_t)generation;
    row->type = 2;
    row->parent = generation * 7;
    __atomic_store_n(&row->state,
            generation << BELAY_STATE_GENERATION_SHIFT | BELAY_STATE_LIVE,
            __ATOMIC_RELEASE);
}

static void writer_close(belay_ledger_row *row, uint64_t generation) {
    __atomic_store_n(&row->state, (generation + 1) << BELAY_STATE_GENERATION_SHIFT,
            __ATOMIC_RELEASE);
}

/* Opens rows 8 to 39 in turn, and closes each 16 openings later. */
static void *writer_run(void *data) {
    writer *self = data;
    size_t offset = synthetic_segment(self->ledger, SYNTHETIC_AT_ROWS)->offset;
    belay_ledger_row *rows = (belay_ledger_row *)(void *)(self->bytes + offset) + 8;
    for (uint64_t n = 0; !__atomic_load_n(&self->is_over, __ATOMIC_RELAXED); n++) {
        writer_open(&rows[n % 32], n / 32 + 10);
        if (n >= 16) {
            writer_close(&rows[(n - 16) % 32], (n - 16) / 32 + 10);
        }
    }
    return NULL;
}

static void test_whole_rows(void **state) {
    (void)state;
    synthetic ledger;
    top_source source;
    pthread_t thread;
    uint64_t seen = 0;
    synthetic_init(&ledger);
    synthetic_open(&ledger, &source);
    writer self = {.source = &source, .ledger = &ledger};
    self.bytes =
            mmap(NULL, ledger.size, PROT_READ | PROT_WRITE, MAP_SHARED, source.fd, 0);
    assert_true(self.bytes != MAP_FAILED);
    assert_int_equal(pthread_create(&thread, NULL, writer_run, &self), 0);
    for (int reading = 0; reading < WRITER_READINGS; reading++) {
        top_snapshot snapshot;
        top_failure failure;
        assert_true(top_snapshot_take(&snapshot, &source, &failure));
        for (uint32_t i = 0; i < snapshot.objects.count; i++) {
            const top_object *object = &snapshot.objects.items[i];
            uint64_t generation = top_handle_generation(object->handle);
            uint32_t index = top_handle_index(object->handle);
            if (index < 8 || index >= 40 || generation < 10) {
                continue;
            }
            seen++;
            assert_true(object->pointer == generation * 3);
            assert_true(object->size_bytes == generation * 5);
            assert_true(object->opened_ms == (uint32_t)generation);
            assert_true(object->site == (uint32_t)generation);
            assert_true(object->parent == generation * 7);
        }
        assert_int_equal(snapshot.notes.damage, 0);
        top_snapshot_fini(&snapshot);
    }
    __atomic_store_n(&self.is_over, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    print_message("%llu rows of a running writer were read\n", (unsigned long long)seen);
    munmap(self.bytes, ledger.size);
    top_source_close(&source);
    synthetic_fini(&ledger);
}

/* Which reads of row 2 come torn: bit n is the n-th one. */
static uint64_t writer_torn = 0;
static uint32_t writer_reads = 0;
static uint64_t writer_offset = 0;

ssize_t __real_pread(int fd, void *bytes, size_t length, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t length, off_t offset);

ssize_t __wrap_pread(int fd, void *bytes, size_t length, off_t offset) {
    ssize_t got = __real_pread(fd, bytes, length, offset);
    uint64_t start = (uint64_t)offset;
    if (writer_offset >= start &&
            writer_offset + sizeof(belay_ledger_row) <= start + length &&
            got == (ssize_t)length) {
        if (writer_torn >> writer_reads % 64 & 1) {
            belay_ledger_row row;
            char *place = (char *)bytes + (writer_offset - start);
            memcpy(&row, place, sizeof row);
            row.object = 1000 + writer_reads;
            memcpy(place, &row, sizeof row);
        }
        writer_reads++;
    }
    return got;
}

/* However the reads are torn, the row comes out whole, or is said to be changing. */
static void test_torn_reads(void **state) {
    (void)state;
    synthetic ledger;
    top_source source;
    synthetic_init(&ledger);
    synthetic_open(&ledger, &source);
    const uint64_t pointer =
            ((belay_ledger_row *)synthetic_at(&ledger, SYNTHETIC_AT_ROWS, 2))->object;
    uint64_t offset = synthetic_segment(&ledger, SYNTHETIC_AT_ROWS)->offset;
    for (uint64_t torn = 0; torn < 64; torn++) {
        top_snapshot snapshot;
        top_failure failure;
        writer_torn = torn;
        writer_reads = 0;
        writer_offset = offset + 2 * sizeof(belay_ledger_row);
        assert_true(top_snapshot_take(&snapshot, &source, &failure));
        writer_offset = 0;
        /* Whole twice in a row within the six looks: it must be there. */
        bool is_seen = false;
        for (int look = 0; look < 5; look++) {
            is_seen = is_seen || (torn >> look & 3) == 0;
        }
        assert_int_equal(snapshot.objects.count, SYNTHETIC_OPEN - !is_seen);
        assert_int_equal(snapshot.objects.changing, !is_seen);
        for (uint32_t i = 0; i < snapshot.objects.count; i++) {
            const top_object *object = &snapshot.objects.items[i];
            assert_true(
                    top_handle_index(object->handle) != 2 || object->pointer == pointer);
        }
        top_snapshot_fini(&snapshot);
    }
    top_source_close(&source);
    synthetic_fini(&ledger);
}

static void *writer_shrink(void *data) {
    writer *self = data;
    for (size_t n = 0; !__atomic_load_n(&self->is_over, __ATOMIC_RELAXED); n++) {
        size_t size = n * 7919 % self->ledger->size;
        if (ftruncate(self->source->fd, (off_t)size) != 0 ||
                pwrite(self->source->fd, self->ledger->bytes, self->ledger->size, 0) <
                        0) {
            return self;
        }
    }
    return NULL;
}

static void test_shrinking(void **state) {
    (void)state;
    synthetic ledger;
    top_source source;
    pthread_t thread;
    void *failed;
    synthetic_init(&ledger);
    synthetic_open(&ledger, &source);
    writer self = {.source = &source, .ledger = &ledger};
    assert_int_equal(pthread_create(&thread, NULL, writer_shrink, &self), 0);
    for (int reading = 0; reading < WRITER_READINGS; reading++) {
        top_snapshot snapshot;
        top_failure failure;
        if (top_snapshot_take(&snapshot, &source, &failure)) {
            assert_true(snapshot.objects.count <= SYNTHETIC_OPEN);
            top_snapshot_fini(&snapshot);
        }
    }
    __atomic_store_n(&self.is_over, 1, __ATOMIC_RELAXED);
    pthread_join(thread, &failed);
    assert_null(failed);
    top_source_close(&source);
    synthetic_fini(&ledger);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole_rows),
            cmocka_unit_test(test_torn_reads), cmocka_unit_test(test_shrinking)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
