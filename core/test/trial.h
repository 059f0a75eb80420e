/* SPDX-License-Identifier: MIT */
/* trial.h - a unit test that runs in a process of its own.
 *
 * The core keeps one state a process and has no way back to the start. So each test forks
 * before anything of the core runs: it may set the environment, end the process, fill
 * tables and kill itself, and no test sees what another one left. */
#ifndef BELAY_TEST_TRIAL_H
#define BELAY_TEST_TRIAL_H

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Seconds until a test that hangs is killed; generous, since Valgrind and qemu are slow.
 */
#define TRIAL_SECONDS 120
#define TRIAL_SKIPPED 77 /* exit code */

/* ThreadSanitizer starts no thread in the child of a fork with threads, and has a thread
 * of its own; the few tests about those return at once under it. */
#if defined(__SANITIZE_THREAD__)
#define TRIAL_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TRIAL_UNDER_TSAN 1
#endif
#endif
#ifndef TRIAL_UNDER_TSAN
#define TRIAL_UNDER_TSAN 0
#endif

/* A new folder below TMPDIR for the files of the test that runs, removed however it ends.
 */
static char trial_folder[256] = "";

static inline void trial_folder_make(void) {
    const char *place = getenv("TMPDIR");
    snprintf(trial_folder, sizeof trial_folder, "%s/belay-trial.XXXXXX",
            place != NULL && place[0] != 0 ? place : "/tmp");
    assert_non_null(mkdtemp(trial_folder));
}

static inline void trial_folder_remove(void) {
    DIR *folder = opendir(trial_folder);
    for (struct dirent *at = NULL; folder != NULL && (at = readdir(folder)) != NULL;) {
        unlinkat(dirfd(folder), at->d_name, 0);
    }
    if (folder != NULL) { /* else the test has removed it */
        closedir(folder);
        rmdir(trial_folder);
    }
}

/* An interrupt ends the child, and this process when it has cleaned up. */
static inline void trial_hold_interrupts(sigset_t *out_before) {
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGHUP);
    sigaddset(&interrupts, SIGINT);
    sigaddset(&interrupts, SIGTERM);
    sigprocmask(SIG_BLOCK, &interrupts, out_before);
}

/* Runs `body` in a child and fails when the child fails. */
static inline void trial_run(void (*body)(void)) {
    sigset_t before;
    fflush(NULL);
    trial_hold_interrupts(&before);
    trial_folder_make();
    pid_t child = fork();
    if (child == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        /* A failed assertion prints and aborts, instead of going on in the child. */
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        const char *wish = getenv("BELAY_TRIAL_SECONDS");
        alarm(wish ? (unsigned)strtoul(wish, NULL, 10) : TRIAL_SECONDS);
        body();
        exit(0);
    }
    int status = 0;
    pid_t ended = child < 0 ? child : waitpid(child, &status, 0);
    trial_folder_remove();
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_true(child > 0 && ended == child);
    if (WIFSIGNALED(status)) {
        fail_msg("the test's process was ended by signal %d", WTERMSIG(status));
    }
    if (WEXITSTATUS(status) == TRIAL_SKIPPED) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Ends a trial that this machine can't do. */
static inline void trial_skip(const char *reason) {
    print_message("skipped: %s\n", reason);
    exit(TRIAL_SKIPPED);
}

/* TRIAL(name) { ... } defines a cmocka test whose body runs in its own process. */
#define TRIAL(name)                                                                      \
    static void name##_body(void);                                                       \
    static void name(void **unused) {                                                    \
        (void)unused;                                                                    \
        trial_run(name##_body);                                                          \
    }                                                                                    \
    static void name##_body(void)

#define assert_status(expected, expression)                                              \
    trial_assert_status((expected), (expression), #expression, __FILE__, __LINE__)

#define trial_assert_status(expected, expression, text, file, line)                      \
    do {                                                                                 \
        unsigned trial_wanted = (unsigned)(expected);                                    \
        unsigned trial_got = (unsigned)(expression);                                     \
        if (trial_wanted != trial_got) {                                                 \
            print_error("%s:%d: %s\n    gave:   %s\n    wanted: %s\n", file, line, text, \
                    belay_status_text((belay_status)trial_got),                          \
                    belay_status_text((belay_status)trial_wanted));                      \
            fail();                                                                      \
        }                                                                                \
    } while (0)

#endif
