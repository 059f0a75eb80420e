/* SPDX-License-Identifier: MIT */
/* life_test.c - goal: running, ended and died are told apart, and doubt is said. Method:
 * a table of what the ledger and /proc say; then this very process. */
#include "snapshot/life.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define LIFE_BOOT "0f0f0f0f-1111-2222-3333-444444444444"
#define LIFE_TICKS 99

typedef struct life_case {
    const char *boot_id; /* of now; the ledger's is LIFE_BOOT */
    uint32_t ended;
    top_process holder;
    top_process named;
    top_life expected;
} life_case;

static void test_table(void **state) {
    (void)state;
    const top_process none = {0};
    const top_process same = {.is_there = true, .start_ticks = LIFE_TICKS};
    const top_process reused = {.is_there = true, .start_ticks = LIFE_TICKS + 1};
    const top_process hidden = {.is_hidden = true};
    const life_case cases[] = {
            {LIFE_BOOT, 0, none, same, TOP_LIFE_RUNNING},
            {LIFE_BOOT, 1, none, same, TOP_LIFE_SHUT_DOWN},
            {LIFE_BOOT, 0, none, none, TOP_LIFE_DIED},
            {LIFE_BOOT, 1, none, none, TOP_LIFE_ENDED},
            {LIFE_BOOT, 0, none, reused, TOP_LIFE_DIED},
            {LIFE_BOOT, 1, none, reused, TOP_LIFE_ENDED},
            {LIFE_BOOT, 0, none, hidden, TOP_LIFE_UNKNOWN},
            {LIFE_BOOT, 1, none, hidden, TOP_LIFE_ENDED},
            {"another boot", 0, none, same, TOP_LIFE_ELSEWHERE},
            {"another boot", 1, none, same, TOP_LIFE_ENDED},
            {"another boot", 0, none, hidden, TOP_LIFE_ELSEWHERE},
            {"", 0, none, same, TOP_LIFE_ELSEWHERE},
            {"", 0, none, hidden, TOP_LIFE_UNKNOWN},
            /* In a container: the pid inside is another process's outside. */
            {LIFE_BOOT, 0, same, reused, TOP_LIFE_RUNNING},
            {LIFE_BOOT, 0, same, none, TOP_LIFE_RUNNING},
            /* Held by a forked child whose parent is gone. */
            {LIFE_BOOT, 0, reused, none, TOP_LIFE_DIED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        belay_ledger_header header = {
                .boot_id = LIFE_BOOT, .start_ticks = LIFE_TICKS, .ended = cases[i].ended};
        assert_int_equal(top_life_decide(&header, cases[i].boot_id, &cases[i].holder,
                                 &cases[i].named),
                cases[i].expected);
    }
}

static void test_this_process(void **state) {
    (void)state;
    top_process self = top_process_look((int32_t)getpid());
    assert_true(self.is_there);
    assert_true(self.start_ticks > 0);
    assert_false(top_process_look(0).is_there);
    assert_false(top_process_look(INT32_MAX).is_there);
    assert_false(top_process_look(INT32_MAX).is_hidden);
    char boot_id[TOP_BOOT_ID_BYTES];
    top_process_boot_id(boot_id);
    assert_int_equal(strlen(boot_id), 36);
}

static void test_zombie(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    siginfo_t info;
    /* Ended, but not yet taken away: no longer a running process. */
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    top_process zombie = top_process_look((int32_t)child);
    waitpid(child, NULL, 0);
    assert_false(zombie.is_there);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table),
            cmocka_unit_test(test_this_process), cmocka_unit_test(test_zombie)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
