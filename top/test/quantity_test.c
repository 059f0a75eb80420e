/* SPDX-License-Identifier: MIT */
/* quantity_test.c - goal: numbers are shown as people read them. Method: values at the
 * borders of each unit. */
#include "view/quantity.h"

#include "unit.h"

static void check_bytes(uint64_t bytes, const char *expected) {
    char text[TOP_QUANTITY_BYTES];
    top_quantity_bytes(text, bytes);
    assert_string_equal(text, expected);
}

static void check_duration(uint64_t ms, const char *expected) {
    char text[TOP_QUANTITY_BYTES];
    top_quantity_duration(text, ms);
    assert_string_equal(text, expected);
}

static void test_bytes(void **state) {
    (void)state;
    check_bytes(0, "0 B");
    check_bytes(1023, "1023 B");
    check_bytes(1024, "1.0 KiB");
    check_bytes(1024 * 1024 - 1, "1.0 MiB");
    check_bytes(1536, "1.5 KiB");
    check_bytes(UINT64_C(3) << 30, "3.0 GiB");
    check_bytes(UINT64_MAX, "16.0 EiB");
}

static void test_duration(void **state) {
    (void)state;
    check_duration(0, "0ms");
    check_duration(999, "999ms");
    check_duration(1000, "1.0s");
    check_duration(59999, "59.9s");
    check_duration(60000, "1m00s");
    check_duration(3599999, "59m59s");
    check_duration(3600000, "1h00m");
    check_duration(86400000, "1d00h");
    check_duration(UINT64_MAX, "213503982334d14h");
}

static void test_handle(void **state) {
    (void)state;
    char text[TOP_QUANTITY_BYTES];
    top_quantity_handle(text, UINT64_C(3) << 24 | 17);
    assert_string_equal(text, "#17.3");
    top_quantity_handle(text, UINT64_MAX);
    assert_string_equal(text, "#16777215.1099511627775");
}

static void test_time(void **state) {
    (void)state;
    char text[TOP_QUANTITY_BYTES];
    top_quantity_time(text, UINT64_MAX);
    assert_true(text[0] != '\0');
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes),
            cmocka_unit_test(test_duration), cmocka_unit_test(test_handle),
            cmocka_unit_test(test_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
