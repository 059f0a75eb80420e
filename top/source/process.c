/* SPDX-License-Identifier: MIT */
/* process.c - what /proc tells about a process. */
#include "source/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "belay/ledger.h"

#define PROCESS_MEMFD "/memfd:belay-ledger"

/* Reads a small file whole, as text. Returns its length; 0 when it can't be read. */
static size_t process_read_text(const char *path, char *text, size_t text_bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, text_bytes - 1);
    if (fd >= 0) {
        close(fd);
    }
    length = length < 0 ? 0 : length;
    text[length] = '\0';
    return (size_t)length;
}

top_process top_process_look(int32_t pid) {
    top_process process = {0};
    char path[64];
    char text[4096];
    if (pid <= 0) {
        return process;
    }
    snprintf(path, sizeof path, "/proc/%" PRId32 "/stat", pid);
    if (process_read_text(path, text, sizeof text) == 0) {
        process.is_hidden = kill(pid, 0) == 0 || errno == EPERM;
        return process;
    }
    /* The name in field 2 may hold blanks and brackets: count from its last bracket. */
    char *field = strrchr(text, ')');
    if (!field || field[1] != ' ') {
        return process;
    }
    char life = field[2];
    for (int number = 3; field && number <= 22; number++) {
        field = strchr(field + 1, ' ');
    }
    process.is_there = field && life != 'Z' && life != 'X';
    process.start_ticks = field ? strtoull(field + 1, NULL, 10) : 0;
    return process;
}

void top_process_boot_id(char out_text[TOP_BOOT_ID_BYTES]) {
    process_read_text("/proc/sys/kernel/random/boot_id", out_text, TOP_BOOT_ID_BYTES);
    out_text[strcspn(out_text, "\n")] = '\0';
}

/* True if the descriptor `name` in the folder `fds` is a regular file that is or may
 * become a ledger: a memfd of that name, or a file with the magic. */
static bool process_is_ledger(int fds, const char *name) {
    char link[sizeof PROCESS_MEMFD];
    ssize_t length = readlinkat(fds, name, link, sizeof link);
    if (length >= (ssize_t)strlen(PROCESS_MEMFD) &&
            memcmp(link, PROCESS_MEMFD, strlen(PROCESS_MEMFD)) == 0) {
        return true;
    }
    struct stat status;
    if (fstatat(fds, name, &status, 0) != 0 || !S_ISREG(status.st_mode)) {
        return false;
    }
    char magic[8] = {0};
    int fd = openat(fds, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_ledger = fd >= 0 &&
                     pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic &&
                     memcmp(magic, BELAY_LEDGER_MAGIC, sizeof magic) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is_ledger;
}

static int process_refuse(int32_t pid, int error, top_failure *out_failure) {
    if (error == ENOENT || error == ESRCH) {
        top_failure_set(out_failure,
                "no process has the pid %" PRId32
                "; give the ledger's file, if BELAY_LEDGER named one",
                pid);
    } else if (error == EACCES || error == EPERM) {
        top_failure_set(out_failure,
                "process %" PRId32 ": not allowed to look at it; be the user who runs "
                "it, or root",
                pid);
    } else {
        top_failure_set(out_failure, "process %" PRId32 ": %s", pid, strerror(error));
    }
    return -1;
}

int top_process_open_ledger(
        int32_t pid, char *out_name, size_t name_bytes, top_failure *out_failure) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%" PRId32 "/fd", pid);
    DIR *folder = opendir(path);
    int fds = folder ? dirfd(folder) : -1;
    if (!folder || fds < 0) {
        return process_refuse(pid, errno, out_failure);
    }
    int fd = -1;
    int error = 0;
    for (struct dirent *entry; fd < 0 && (entry = readdir(folder));) {
        if (isdigit((unsigned char)entry->d_name[0]) &&
                process_is_ledger(fds, entry->d_name)) {
            fd = openat(fds, entry->d_name, O_RDONLY | O_CLOEXEC);
            error = errno;
            snprintf(out_name, name_bytes, "%s/%.20s", path, entry->d_name);
        }
    }
    closedir(folder);
    if (fd < 0 && error != 0) {
        return process_refuse(pid, error, out_failure);
    }
    if (fd < 0) {
        top_failure_set(out_failure,
                "process %" PRId32
                " holds no ledger: it does not use Belay, has not opened "
                "anything yet, or runs with BELAY_LEDGER=off",
                pid);
    }
    return fd;
}
