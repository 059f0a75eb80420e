/* SPDX-License-Identifier: MIT */
/* status_test.c - every status has a text of its own. */
#include <string.h>

#include "belay/belay.h"
#include "trial.h"

/* Goal: texts exist, differ, and no number leads out of the list. Method: all, and
 * beyond. */
TRIAL(every_status_has_a_text) {
    for (int i = 0; i < BELAY_STATUS_COUNT; i++) {
        const char *text = belay_status_text((belay_status)i);
        assert_non_null(text);
        assert_true(strlen(text) > 3);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(text, belay_status_text((belay_status)j));
        }
    }
    assert_string_equal(belay_status_text(BELAY_OK), "success");
    assert_non_null(belay_status_text(BELAY_STATUS_COUNT));
    assert_non_null(belay_status_text((belay_status)-1));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_status_has_a_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
