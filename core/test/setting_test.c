/* SPDX-License-Identifier: MIT */
/* setting_test.c - what the environment may decide, and for whom. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "ledger.h"
#include "platform.h"
#include "report.h"
#include "thing.h"

/* What the copy says by its exit code: which settings it follows. */
enum {
    SETTING_LEVEL = 1,
    SETTING_STDERR = 2,
    SETTING_NAMES = 4,
    SETTING_LEDGER = 8,
    SETTING_IS_SECURE = 16, /* the kernel says that its caller is not to be trusted */
    SETTING_CANNOT_RUN = 127
};

static int settings_followed(void) {
    int followed = getauxval(AT_SECURE) != 0 ? SETTING_IS_SECURE : 0;
    thing object = {0};
    (void)thing_own(thing_type(), &object);
    followed |= belay_level_get() == BELAY_LEVEL_ALL ? SETTING_LEVEL : 0;
    followed |= belay__report_has_stderr_wish() ? SETTING_STDERR : 0;
    followed |=
            belay__ledger_head()->flags & BELAY_LEDGER_FLAG_BASENAMES ? SETTING_NAMES : 0;
    followed |= strstr(belay_ledger_name(), trial_folder) != NULL ? SETTING_LEDGER : 0;
    return followed;
}

/* A copy of this program with `mode`, opened and already without a name. It was beside
 * the program: /tmp is often mounted so that setgid means nothing. */
static int copy_of_program(gid_t group, mode_t mode) {
    char path[4096] = "";
    char bytes[65536];
    assert_true(readlink("/proc/self/exe", path, sizeof path - 16) > 0);
    memcpy(path + strlen(path), ".XXXXXX", sizeof ".XXXXXX");
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int to = mkstemp(path);
    int copy = open(path, O_RDONLY | O_CLOEXEC);
    unlink(path);
    assert_true(from >= 0 && to >= 0 && copy >= 0);
    for (ssize_t got = 0; (got = read(from, bytes, sizeof bytes)) != 0;) {
        assert_true(got > 0 && write(to, bytes, (size_t)got) == got);
    }
    assert_int_equal(fchown(to, (uid_t)-1, group), 0); /* takes setgid away */
    assert_int_equal(fchmod(to, mode), 0);
    close(from);
    close(to);
    return copy;
}

/* Runs the copy with each setting set; what it follows. */
static int followed_by_copy(gid_t group, mode_t mode) {
    char ledger[sizeof trial_folder + 16];
    snprintf(ledger, sizeof ledger, "%s/ledger", trial_folder);
    int copy = copy_of_program(group, mode);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *arguments[] = {"setting_test", trial_folder, NULL};
        setenv("BELAY_LEVEL", "all", 1);
        setenv("BELAY_STDERR", "0", 1);
        setenv("BELAY_LEDGER_NAMES", "base", 1);
        setenv("BELAY_LEDGER", ledger, 1);
        fexecve(copy, arguments, environ);
        _exit(SETTING_CANNOT_RUN);
    }
    int status = 0;
    close(copy);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    bool is_there = unlink(ledger) == 0;
    assert_int_equal(is_there, (WEXITSTATUS(status) & SETTING_LEDGER) != 0 &&
                                       WEXITSTATUS(status) != SETTING_CANNOT_RUN);
    return WEXITSTATUS(status);
}

/* A group that is not ours, but that we may give a file to. False: there is none. */
static bool other_group(gid_t *out_group) {
    gid_t groups[64];
    int count = getgroups(64, groups);
    for (int i = 0; i < count; i++) {
        if (groups[i] != getegid()) {
            *out_group = groups[i];
            return true;
        }
    }
    *out_group = getegid() + 1;
    return geteuid() == 0;
}

/* Goal: a program with more rights than its caller does nothing that its caller's
 * environment says, above all makes no file. Method: a copy of this program, which
 * follows each setting; then with another group and setgid, where it follows none. */
TRIAL(more_rights_than_the_caller) {
    gid_t group = getegid();
    int all = SETTING_LEVEL | SETTING_STDERR | SETTING_NAMES |
              (belay__memory_can_share() ? SETTING_LEDGER : 0);
    int followed = followed_by_copy(group, 0700);
    if (followed == SETTING_CANNOT_RUN) {
        trial_skip("an emulator: the system can't start this program again");
    }
    assert_int_equal(followed, all);
    if (!other_group(&group)) {
        trial_skip("neither root nor a second group");
    }
    followed = followed_by_copy(group, 02710);
    if ((followed & SETTING_IS_SECURE) == 0) {
        trial_skip("setgid means nothing here (nosuid, no_new_privs)");
    }
    assert_int_equal(followed, SETTING_IS_SECURE);
}

static uint32_t stream_is_held = 0;

/* Holds standard error, and calls the core while another thread wants to write there. */
static void *hold_stream(void *data) {
    flockfile(stderr);
    belay__store(&stream_is_held, 1);
    nanosleep(
            &(struct timespec){.tv_nsec = 50000000}, NULL); /* then the other is at it */
    assert_int_equal(belay_level_get(), BELAY_LEVEL_SAMPLED);
    funlockfile(stderr);
    return data;
}

/* Goal: a wrong word is told under no lock: who holds the stream may call the core.
 * Method: one thread does, while another one starts the core. */
TRIAL(wrong_word_holds_no_lock) {
    pthread_t thread;
    setenv("BELAY_LEVEL", "loud", 1);
    assert_int_equal(pthread_create(&thread, NULL, hold_stream, NULL), 0);
    while (!belay__load(&stream_is_held)) {
        belay__thread_pause();
    }
    assert_int_equal(belay_level_get(), BELAY_LEVEL_SAMPLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(int count, char **arguments) {
    if (count == 2) { /* the copy */
        snprintf(trial_folder, sizeof trial_folder, "%s", arguments[1]);
        _exit(settings_followed());
    }
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(more_rights_than_the_caller),
            cmocka_unit_test(wrong_word_holds_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
