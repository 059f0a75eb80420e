/* SPDX-License-Identifier: MIT */
/* escape_test.c - goal: no text of a ledger reaches a terminal or a parser unescaped.
 * Method: texts with each kind of trouble, beside what must come out; then every pair of
 * bytes. */
#include "view/escape.h"

#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "unit.h"

static void check_text(const char *text, const char *expected) {
    char out[TOP_ESCAPE_BYTES];
    assert_int_equal(top_escape_text(out, sizeof out, text), strlen(expected));
    assert_string_equal(out, expected);
}

static void test_terminal_text(void **state) {
    (void)state;
    check_text("", "");
    check_text("main.f a/b.go:12", "main.f a/b.go:12");
    check_text("b\xc3\xa9la \xe6\xbc\xa2 \xf0\x9f\xa7\x97",
            "b\xc3\xa9la \xe6\xbc\xa2 \xf0\x9f\xa7\x97");
    check_text("a\nb\tc\rd\x1b[31m\x7f", "a\\nb\\tc\\rd\\x1b[31m\\x7f");
    check_text("C:\\x", "C:\\\\x");
    check_text("\xc2\x9b[K", "\\u009b[K");                      /* the one-byte CSI */
    check_text("\xe2\x80\xaex\xe2\x81\xa6", "\\u202ex\\u2066"); /* right to left */
    check_text("\xf3\xa0\x80\x81", "\\U000e0001");              /* invisible tags */
    check_text("\xff\xc3", "\\xff\\xc3"); /* no UTF-8, and cut short */
    check_text("\xc0\xaf\xed\xa0\x80",
            "\\xc0\\xaf\\xed\\xa0\\x80");                   /* too long, surrogate */
    check_text("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond Unicode */
}

static void test_room(void **state) {
    (void)state;
    char out[8];
    assert_int_equal(top_escape_text(out, sizeof out, "1234567890"), 7);
    assert_string_equal(out, "1234567");
    /* Never half a character or half an escape. */
    assert_int_equal(top_escape_text(out, sizeof out, "123456\xc3\xa9"), 6);
    assert_int_equal(top_escape_text(out, sizeof out, "12345\x1b"), 5);
    assert_int_equal(top_escape_text(out, sizeof out, "1234\xff"), 4);
}

static void test_width(void **state) {
    (void)state;
    assert_int_equal(top_escape_width(""), 0);
    assert_int_equal(top_escape_width("b\xc3\xa9la"), 4);
}

static void test_every_pair(void **state) {
    (void)state;
    for (int first = 1; first < 256; first++) {
        for (int second = 0; second < 256; second++) {
            const char text[] = {(char)first, (char)second, '\0'};
            char out[TOP_ESCAPE_BYTES];
            char *json = NULL;
            size_t bytes = 0;
            top_escape_text(out, sizeof out, text);
            for (const char *at = out; *at != '\0'; at++) {
                assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
            }
            FILE *file = open_memstream(&json, &bytes);
            top_escape_json(file, text);
            fclose(file);
            assert_true(document_is_json(json));
            free(json);
        }
    }
}

static void test_document(void **state) {
    (void)state;
    assert_true(document_is_json(" {\"a\": [1, -2, null, {}], \"b\": \"\\u00e9\\n\"} "));
    assert_false(document_is_json(""));
    assert_false(document_is_json("{\"a\": 1,}"));
    assert_false(document_is_json("[1 2]"));
    assert_false(document_is_json("[1] x"));
    assert_false(document_is_json("\"\n\""));
    assert_false(document_is_json("\"\\x1b\""));
    assert_false(document_is_json("[01]"));
    assert_false(document_is_json("{1: 2}"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_terminal_text),
            cmocka_unit_test(test_room), cmocka_unit_test(test_width),
            cmocka_unit_test(test_every_pair), cmocka_unit_test(test_document)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
