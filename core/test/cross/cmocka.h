/* SPDX-License-Identifier: MIT */
/* cmocka.h - the part of cmocka that the tests use, for targets Debian has no cmocka for.
 *
 * musl and arm64 builds (BELAY_CROSS_CMOCKA) find this file first. One test program is
 * one C file, so everything is static. A failed assertion ends the test, not the program.
 */
#ifndef BELAY_TEST_CROSS_CMOCKA_H
#define BELAY_TEST_CROSS_CMOCKA_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*cmocka_fixture)(void **state);

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
    cmocka_fixture setup;
    cmocka_fixture teardown;
    void *initial_state;
};

static jmp_buf cmocka_end_of_test;

static inline void cmocka_require(int holds, const char *what, const char *file, int line,
        intmax_t left, intmax_t right) {
    if (!holds) {
        printf("[  ERROR   ] %s:%d: %s (%" PRIdMAX ", %" PRIdMAX ")\n", file, line, what,
                left, right);
        if (getenv("CMOCKA_TEST_ABORT") != NULL) {
            abort();
        }
        longjmp(cmocka_end_of_test, 1);
    }
}

/* Arguments are evaluated once, as cmocka does. */
static inline void cmocka_compare(uintmax_t left, uintmax_t right, int want_equal,
        const char *what, const char *file, int line) {
    cmocka_require((left == right) == want_equal, what, file, line, (intmax_t)left,
            (intmax_t)right);
}

static inline void cmocka_within(uintmax_t value, uintmax_t low, uintmax_t high,
        const char *what, const char *file, int line) {
    cmocka_require(value >= low && value <= high, what, file, line, (intmax_t)value,
            (intmax_t)high);
}

static inline void cmocka_skip(void) {
    longjmp(cmocka_end_of_test, 2);
}

#define cmocka_unit_test(f) {#f, f, NULL, NULL, NULL}
#define cmocka_unit_test_setup_teardown(f, setup, teardown) {#f, f, setup, teardown, NULL}
#define cmocka_unit_test_setup(f, setup) {#f, f, setup, NULL, NULL}
#define cmocka_unit_test_teardown(f, teardown) {#f, f, NULL, teardown, NULL}

#define CMOCKA_HOLDS(condition)                                                          \
    cmocka_require(!!(condition), #condition, __FILE__, __LINE__, 0, 0)

#define assert_true(c) CMOCKA_HOLDS(c)
#define assert_false(c) CMOCKA_HOLDS(!(c))
#define assert_null(p) CMOCKA_HOLDS((p) == NULL)
#define assert_non_null(p) CMOCKA_HOLDS((p) != NULL)
#define assert_int_equal(a, b)                                                           \
    cmocka_compare((uintmax_t)(a), (uintmax_t)(b), 1, #a " == " #b, __FILE__, __LINE__)
#define assert_int_not_equal(a, b)                                                       \
    cmocka_compare((uintmax_t)(a), (uintmax_t)(b), 0, #a " != " #b, __FILE__, __LINE__)
#define assert_ptr_equal(a, b) CMOCKA_HOLDS((const void *)(a) == (const void *)(b))
#define assert_ptr_not_equal(a, b) CMOCKA_HOLDS((const void *)(a) != (const void *)(b))
#define assert_string_equal(a, b) CMOCKA_HOLDS(strcmp((a), (b)) == 0)
#define assert_string_not_equal(a, b) CMOCKA_HOLDS(strcmp((a), (b)) != 0)
#define assert_memory_equal(a, b, n) CMOCKA_HOLDS(memcmp((a), (b), (n)) == 0)
#define assert_memory_not_equal(a, b, n) CMOCKA_HOLDS(memcmp((a), (b), (n)) != 0)
#define assert_in_range(v, low, high)                                                    \
    cmocka_within((uintmax_t)(v), (uintmax_t)(low), (uintmax_t)(high),                   \
            #v " in " #low ".." #high, __FILE__, __LINE__)
#define fail() cmocka_require(0, "fail()", __FILE__, __LINE__, 0, 0)
#define fail_msg(...)                                                                    \
    do {                                                                                 \
        printf(__VA_ARGS__);                                                             \
        fail();                                                                          \
    } while (0)
#define skip() cmocka_skip()
#define print_message(...) printf(__VA_ARGS__)
#define print_error(...) printf(__VA_ARGS__)

#define cmocka_run_group_tests(tests, setup, teardown)                                   \
    cmocka_run_group(#tests, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

/* Runs one test with its fixtures; 0: passed, 1: failed, 2: skipped. */
static inline int cmocka_run_one(const struct CMUnitTest *test, void **state) {
    volatile int result = setjmp(cmocka_end_of_test);
    if (result == 0) {
        if (test->setup != NULL && test->setup(state) != 0) {
            longjmp(cmocka_end_of_test, 1);
        }
        test->test(state);
    }
    if (test->teardown != NULL && test->teardown(state) != 0) {
        result = 1;
    }
    return result;
}

static inline int cmocka_run_group(const char *group, const struct CMUnitTest *tests,
        size_t count, cmocka_fixture setup, cmocka_fixture teardown) {
    static const char *const words[] = {"      OK", "  FAILED", " SKIPPED"};
    void *group_state = NULL;
    int totals[3] = {0, 0, 0};
    setbuf(stdout, NULL);
    printf("[==========] %s: Running %zu test(s).\n", group, count);
    if (setup != NULL && setup(&group_state) != 0) {
        return (int)count;
    }
    for (size_t i = 0; i < count; i++) {
        void *state =
                tests[i].initial_state != NULL ? tests[i].initial_state : group_state;
        printf("[ RUN      ] %s\n", tests[i].name);
        int result = cmocka_run_one(&tests[i], &state);
        totals[result]++;
        printf("[ %s ] %s\n", words[result], tests[i].name);
    }
    if (teardown != NULL && teardown(&group_state) != 0) {
        totals[1]++;
    }
    printf("[  PASSED  ] %d test(s), %d failed, %d skipped.\n", totals[0], totals[1],
            totals[2]);
    return totals[1];
}

#endif
