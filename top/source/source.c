/* SPDX-License-Identifier: MIT */
/* source.c - the bytes of a ledger. */
#include "source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/process.h"

static bool source_open_pid(
        top_source *source, const char *target, top_failure *failure) {
    errno = 0;
    long pid = strtol(target, NULL, 10);
    if (errno != 0 || pid <= 0 || pid > INT32_MAX) {
        return top_failure_set(failure,
                "'%s' is no pid; a file whose name is all digits is given as ./%s",
                target, target);
    }
    source->pid = (int32_t)pid;
    source->fd = top_process_open_ledger(
            source->pid, source->name, sizeof source->name, failure);
    return source->fd >= 0;
}

static bool source_open_path(top_source *source, const char *path, top_failure *failure) {
    snprintf(source->name, sizeof source->name, "%s", path);
    /* Not blocking: the path may be a pipe that nobody writes. */
    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (source->fd < 0) {
        const char *advice = errno == ENOENT   ? "; give a ledger's file, or a pid"
                             : errno == EACCES ? "; only its owner and root can read it"
                                               : "";
        return top_failure_set(failure, "%s: %s%s", path, strerror(errno), advice);
    }
    struct stat status;
    if (fstat(source->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        top_source_close(source);
        return top_failure_set(failure,
                "%s: not a regular file; give the file that BELAY_LEDGER named, or a pid",
                path);
    }
    return true;
}

bool top_source_open(
        top_source *out_source, const char *target, top_failure *out_failure) {
    *out_source = (top_source){.fd = -1};
    if (*target != '\0' && target[strspn(target, "0123456789")] == '\0') {
        return source_open_pid(out_source, target, out_failure);
    }
    return source_open_path(out_source, target, out_failure);
}

uint64_t top_source_size(const top_source *source) {
    struct stat status;
    return fstat(source->fd, &status) == 0 && status.st_size > 0
                   ? (uint64_t)status.st_size
                   : 0;
}

size_t top_source_read(
        const top_source *source, uint64_t offset, void *out_bytes, size_t length) {
    size_t done = 0;
    while (done < length && offset + done <= INT64_MAX) {
        ssize_t got = pread(source->fd, (char *)out_bytes + done, length - done,
                (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        done += (size_t)got;
    }
    return done;
}

void top_source_close(top_source *source) {
    if (source->fd >= 0) {
        close(source->fd);
        source->fd = -1;
    }
}
