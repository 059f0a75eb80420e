/* SPDX-License-Identifier: MIT */
/* screen_test.c - goal: a frame never scrolls the terminal and cuts no character. Method:
 * what is written for screens of several sizes. */
#include "screen.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static void check(const char *text, size_t rows, size_t columns, const char *expected) {
    char *shown = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&shown, &bytes);
    top_screen_show(file, text, rows, columns);
    fclose(file);
    assert_string_equal(shown, expected);
    free(shown);
}

static void test_show(void **state) {
    (void)state;
    check("ab\nc\n", 10, 10, "\x1b[Hab\x1b[K\nc\x1b[K\n\x1b[J");
    check("abcdef", 10, 3, "\x1b[Habc\x1b[K\n\x1b[J");
    check("a\nb\nc\n", 3, 3, "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
    check("b\xc3\xa9la", 10, 2, "\x1b[Hb\xc3\xa9\x1b[K\n\x1b[J");
    check("", 10, 10, "\x1b[H\x1b[J");
    check("a\n", 1, 1, "\x1b[H\x1b[J");
}

static void test_no_terminal(void **state) {
    (void)state;
    size_t rows = 1;
    size_t columns = 1;
    FILE *file = fopen("/dev/null", "w");
    top_screen_size(file, &rows, &columns);
    fclose(file);
    assert_int_equal(rows, 0);
    assert_int_equal(columns, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_show), cmocka_unit_test(test_no_terminal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
