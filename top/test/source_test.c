/* SPDX-License-Identifier: MIT */
/* source_test.c - goal: what is no ledger is refused with advice, and a process's ledger
 * is found. Method: real files, pipes and folders; this process as the one looked at. */
#include "source/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "belay/ledger.h"
#include "unit.h"

static void check_refused(const char *target, const char *advice) {
    top_source source;
    top_failure failure = {""};
    assert_false(top_source_open(&source, target, &failure));
    assert_non_null(strstr(failure.text, advice));
}

/* A folder with a file and a pipe, removed also when a test fails. */
static char folder[256] = "";
static char file_path[sizeof folder + 8];
static char pipe_path[sizeof folder + 8];

static int make_folder(void **state) {
    (void)state;
    const char *place = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/belay-top-source.XXXXXX", place ? place : "/tmp");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(file_path, sizeof file_path, "%s/file", folder);
    snprintf(pipe_path, sizeof pipe_path, "%s/pipe", folder);
    return mkfifo(pipe_path, 0600);
}

static int remove_folder(void **state) {
    (void)state;
    unlink(file_path);
    unlink(pipe_path);
    return rmdir(folder);
}

static void test_refused(void **state) {
    (void)state;
    check_refused(folder, "not a regular file");
    check_refused(pipe_path, "not a regular file");
    check_refused("/dev/null", "not a regular file");
    check_refused("/nowhere/at/all", "give a ledger's file, or a pid");
    check_refused("", "No such file");
    check_refused("0", "is no pid");
    check_refused("2147483647", "no process has the pid");
    check_refused("4294967297", "is no pid");
}

static void test_process(void **state) {
    (void)state;
    char target[32];
    char magic[9] = {0};
    top_source source;
    top_failure failure;
    snprintf(target, sizeof target, "%d", (int)getpid());
    check_refused(target, "holds no ledger");

    /* The file that BELAY_LEDGER named: told by its magic, whatever its name. */
    int file = open(file_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(file, BELAY_LEDGER_MAGIC, 8), 8);
    assert_true(top_source_open(&source, target, &failure));
    assert_int_equal(top_source_read(&source, 0, magic, 8), 8);
    assert_string_equal(magic, BELAY_LEDGER_MAGIC);
    assert_int_equal(source.pid, getpid());
    top_source_close(&source);
    close(file);

    int memory = memfd_create("belay-ledger", MFD_CLOEXEC);
    assert_int_equal(write(memory, "x", 1), 1);
    assert_true(top_source_open(&source, target, &failure));
    assert_int_equal(top_source_size(&source), 1);
    top_source_close(&source);
    top_source_close(&source);
    close(memory);
}

static void test_short_read(void **state) {
    (void)state;
    top_source source = {.fd = memfd_create("short", MFD_CLOEXEC)};
    char bytes[8];
    assert_int_equal(write(source.fd, "12345", 5), 5);
    assert_int_equal(top_source_read(&source, 2, bytes, 8), 3);
    assert_int_equal(top_source_read(&source, 5, bytes, 8), 0);
    assert_int_equal(top_source_read(&source, UINT64_MAX - 3, bytes, 8), 0);
    top_source_close(&source);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused),
            cmocka_unit_test(test_process), cmocka_unit_test(test_short_read)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
