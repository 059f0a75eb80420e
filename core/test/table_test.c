/* SPDX-License-Identifier: MIT */
/* table_test.c - slots go back to where they came from. */
#include "thing.h"

#define ROUNDS 300

static belay_handle lot[BELAY__GROUP_SLOTS];

static void *close_lot(void *unused) {
    (void)unused;
    for (size_t i = 0; i < BELAY__GROUP_SLOTS; i++) {
        assert_status(BELAY_OK, belay_close(lot[i], NULL));
    }
    return NULL;
}

/* Goal: slots of objects that one thread opens and another one closes are used again.
 * Method: 64 at a time, 300 times over; no more than a few groups are ever used. */
TRIAL(slots_come_home) {
    belay_type type = thing_type();
    static thing object = {0};
    uint32_t highest = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < BELAY__GROUP_SLOTS; i++) {
            lot[i] = thing_own(type, &object);
            uint32_t index = belay__handle_index(lot[i]);
            highest = index > highest ? index : highest;
        }
        thing_on_thread(close_lot, NULL);
    }
    assert_int_equal(object.destroyed, ROUNDS * BELAY__GROUP_SLOTS);
    /* Slots whose generations are used up retire; in the narrow build that is soon. */
    uint64_t retired_groups = ROUNDS / (BELAY__GENERATION_LAST + 1);
    assert_true(highest < (4 + retired_groups) * BELAY__GROUP_SLOTS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(slots_come_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
