/* SPDX-License-Identifier: MIT */
/* site_test.c - lines of source, interned as text. */
#include "thing.h"

static uint32_t intern(const char *text) {
    return belay__bind_site(text, strlen(text));
}

/* Goal: equal texts have one number and other texts another; 0 is "?". Method: intern
 * copies, compare numbers and texts. */
TRIAL(equal_texts_are_one_site) {
    char copy[] = "main.run a.go:10";
    uint32_t first = intern("main.run a.go:10");
    assert_int_not_equal(first, 0);
    assert_int_equal(intern(copy), first);
    copy[0] = 'M';
    assert_string_equal(belay__bind_site_text(first), "main.run a.go:10");
    assert_int_not_equal(intern(copy), first);
    assert_int_equal(belay__bind_site("main.run a.go:100", 16), first);
    assert_string_equal(belay__bind_site_text(0), "?");
    assert_string_equal(belay__bind_site_text(4000000), "?");
    assert_string_equal(belay__bind_site_text(UINT32_MAX), "?");
}

/* Goal: a text that is too long keeps its end, where file and line are. Method: 1000
 * bytes of path, and lengths around the limit. */
TRIAL(long_texts_keep_their_end) {
    char text[1001];
    memset(text, 'p', sizeof text);
    snprintf(text + 1000 - 8, 9, "/a.go:17");
    uint32_t site = intern(text);
    assert_int_not_equal(site, 0);
    const char *kept = belay__bind_site_text(site);
    assert_int_equal(strlen(kept), 255);
    assert_string_equal(kept + strlen(kept) - 8, "/a.go:17");
    for (size_t length = 250; length < 260; length++) {
        char exact[300];
        memset(exact, 'q', sizeof exact);
        const char *got = belay__bind_site_text(belay__bind_site(exact, length));
        assert_int_equal(strlen(got), length < 255 ? length : 255);
    }
}

/* Goal: base names on request. Method: BELAY_LEDGER_NAMES=base and paths in every shape.
 */
TRIAL(base_names_on_request) {
    static const char *const cases[][2] = {
            {"main.open /srv/u/src/a.go:12", "main.open a.go:12"}, {"a.c:1", "a.c:1"},
            {"dir/sub/a.c:1", "a.c:1"}, {"/a.c:1", "a.c:1"}, {"f x/y/z.c:9", "f z.c:9"},
            {"", ""}};
    setenv("BELAY_LEDGER_NAMES", "base", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t site = intern(cases[i][0]);
        assert_string_equal(belay__bind_site_text(site), cases[i][1]);
    }
    belay_type type = thing_type();
    thing object = {0};
    belay_info info;
    belay_own_options options = {.size = sizeof options, .site = "/secret/place/b.c:3"};
    belay_handle handle = {0};
    assert_status(BELAY_OK, belay_own(type, &object, &options, &handle));
    assert_true(belay_peek(handle, &info));
    assert_string_equal(info.site, "b.c:3");
}

/* Goal: the table of sites fills without a crash; known sites stay, new ones are "?", and
 * that is reported once. Method: 70000 texts. */
TRIAL(site_table_fills) {
    char text[32];
    belay_report_to(thing_report_sink, NULL);
    uint32_t first = intern("first.c:1");
    uint32_t refused = 0;
    for (int i = 0; i < 70000; i++) {
        snprintf(text, sizeof text, "f file.c:%d", i);
        uint32_t site = intern(text);
        refused += site == 0;
        if (site != 0) {
            assert_string_equal(belay__bind_site_text(site), text);
        }
    }
    assert_in_range(refused, 1, 70000 - 60000);
    assert_int_equal(intern("first.c:1"), first);
    assert_int_equal(thing_reported(BELAY_REPORT_TABLE_FULL), 1);
    thing object = {0};
    belay_info info;
    belay_own_options options = {.size = sizeof options, .site = "late.c:2"};
    belay_handle handle = {0};
    assert_status(BELAY_OK, belay_own(thing_type(), &object, &options, &handle));
    assert_true(belay_peek(handle, &info));
    assert_string_equal(info.site, "?");
    assert_status(BELAY_OK, belay_close(handle, NULL));
}

#define TEXTS 500

static char shared_texts[TEXTS][24];

static void *intern_all(void *data) {
    uint32_t *sites = data;
    for (int i = 0; i < TEXTS; i++) {
        sites[i] = intern(shared_texts[i]);
    }
    return NULL;
}

/* Goal: threads that intern the same texts at once agree. Method: four threads, one list.
 */
TRIAL(threads_agree_on_sites) {
    static uint32_t sites[4][TEXTS];
    pthread_t threads[4];
    for (int i = 0; i < TEXTS; i++) {
        snprintf(shared_texts[i], sizeof shared_texts[i], "f shared.c:%d", i);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, intern_all, sites[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < TEXTS; i++) {
        for (int j = 0; j < 4; j++) {
            assert_int_equal(sites[j][i], sites[0][i]);
        }
        assert_string_equal(belay__bind_site_text(sites[0][i]), shared_texts[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(equal_texts_are_one_site),
            cmocka_unit_test(long_texts_keep_their_end),
            cmocka_unit_test(base_names_on_request),
            cmocka_unit_test(site_table_fills),
            cmocka_unit_test(threads_agree_on_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
