/* SPDX-License-Identifier: MIT */
/* failing.c - the n-th call fails. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "failing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>

static int failing_left = 0; /* calls until the failure; 0: none will fail */
static bool failing_for_good = false;
static int failing_count = 0;
static const char *failing_name = "none";

void failing_arm(int nth, bool for_good) {
    failing_for_good = for_good;
    __atomic_store_n(&failing_left, nth, __ATOMIC_SEQ_CST);
}

int failing_disarm(void) {
    __atomic_store_n(&failing_left, 0, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&failing_count, __ATOMIC_SEQ_CST);
}

const char *failing_first(void) {
    return failing_name;
}

static bool failing_now(const char *name) {
    int left = __atomic_load_n(&failing_left, __ATOMIC_SEQ_CST);
    while (left > 1) {
        if (__atomic_compare_exchange_n(&failing_left, &left, left - 1, false,
                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            return false;
        }
    }
    if (left != 1 ||
            (!failing_for_good && !__atomic_compare_exchange_n(&failing_left, &left, 0,
                                          false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))) {
        return false;
    }
    if (__atomic_fetch_add(&failing_count, 1, __ATOMIC_SEQ_CST) == 0) {
        failing_name = name;
    }
    return true;
}

/* Defines __wrap_CALL, which fails with `error` and `result`. */
#define FAILING(type, call, parameters, arguments, error, result)                        \
    type __real_##call parameters;                                                       \
    type __wrap_##call parameters;                                                       \
    type __wrap_##call parameters {                                                      \
        if (failing_now(#call)) {                                                        \
            errno = error;                                                               \
            return result;                                                               \
        }                                                                                \
        return __real_##call arguments;                                                  \
    }

FAILING(void *, malloc, (size_t bytes), (bytes), ENOMEM, NULL)
FAILING(void *, calloc, (size_t count, size_t bytes), (count, bytes), ENOMEM, NULL)
FAILING(void *, realloc, (void *block, size_t bytes), (block, bytes), ENOMEM, NULL)
FAILING(void *, mmap,
        (void *at, size_t bytes, int access, int flags, int fd, off_t offset),
        (at, bytes, access, flags, fd, offset), ENOMEM, MAP_FAILED)
FAILING(int, madvise, (void *at, size_t bytes, int advice), (at, bytes, advice), EINVAL,
        -1)
FAILING(int, fallocate, (int fd, int mode, off_t offset, off_t bytes),
        (fd, mode, offset, bytes), ENOSPC, -1)
FAILING(int, ftruncate, (int fd, off_t bytes), (fd, bytes), ENOSPC, -1)
FAILING(int, memfd_create, (const char *name, unsigned flags), (name, flags), EMFILE, -1)
FAILING(int, flock, (int fd, int operation), (fd, operation), EWOULDBLOCK, -1)
FAILING(int, fstat, (int fd, struct stat *status), (fd, status), EIO, -1)
FAILING(int, fchmod, (int fd, mode_t mode), (fd, mode), EPERM, -1)
FAILING(ssize_t, read, (int fd, void *bytes, size_t count), (fd, bytes, count), EIO, -1)
FAILING(int, pthread_create,
        (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *),
                void *data),
        (thread, attributes, run, data), EAGAIN, EAGAIN)

/* The core passes one argument at most behind the fixed ones, always an int-sized one. */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (failing_now("open")) {
        errno = EMFILE;
        return -1;
    }
    return __real_open(path, flags, mode);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);

int __wrap_fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    int argument = va_arg(rest, int);
    va_end(rest);
    if (failing_now("fcntl")) {
        errno = EPERM;
        return -1;
    }
    return __real_fcntl(fd, command, argument);
}

void *__real_mremap(void *at, size_t old_bytes, size_t bytes, int flags, ...);
void *__wrap_mremap(void *at, size_t old_bytes, size_t bytes, int flags, ...);

void *__wrap_mremap(void *at, size_t old_bytes, size_t bytes, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    void *target = va_arg(rest, void *);
    va_end(rest);
    if (failing_now("mremap")) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mremap(at, old_bytes, bytes, flags, target);
}
