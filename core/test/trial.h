/* SPDX-License-Identifier: MIT */
/* trial.h - a unit test that runs in a process of its own.
 *
 * The core keeps one state a process and has no way back to the start. So each test forks
 * before anything of the core runs: it may set the environment, end the process, fill
 * tables and kill itself, and no test sees what another one left. */
#ifndef BELAY_TEST_TRIAL_H
#define BELAY_TEST_TRIAL_H

#include <setjmp.h>
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

/* Runs `body` in a child and fails when the child fails. */
static inline void trial_run(void (*body)(void)) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* A failed assertion prints and aborts, instead of going on in the child. */
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        const char *wish = getenv("BELAY_TRIAL_SECONDS");
        alarm(wish ? (unsigned)strtoul(wish, NULL, 10) : TRIAL_SECONDS);
        body();
        exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        fail_msg("the test's process was ended by signal %d", WTERMSIG(status));
    }
    assert_int_equal(WEXITSTATUS(status), 0);
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
