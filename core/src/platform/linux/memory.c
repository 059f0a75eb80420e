/* SPDX-License-Identifier: MIT */
/* memory.c - memory of the ledger: memfd or file, allocated before it is touched. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../../platform.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "belay/ledger.h"

void *belay__memory_private(size_t bytes) {
    void *address =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return address == MAP_FAILED ? NULL : address;
}

void *belay__memory_common(size_t bytes) {
    void *address =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return address == MAP_FAILED ? NULL : address;
}

void belay__memory_release(void *address, size_t bytes) {
    munmap(address, bytes);
}

bool belay__memory_can_share(void) {
    return true;
}

static void memory_name(const char *name, char *out_name, size_t name_bytes) {
    size_t length = strlen(name);
    length = length < name_bytes ? length : name_bytes - 1;
    memcpy(out_name, name, length);
    out_name[length] = 0;
}

/* 0 for a ledger, one whose making was cut short, and an empty file: a mistyped path must
 * not cost the user another file. */
static int memory_check_ledger(int fd) {
    static const char unmade[8] = {0};
    char magic[8] = {0};
    if (pread(fd, magic, sizeof magic, 0) < 0) {
        return errno;
    }
    bool is_ledger = memcmp(magic, BELAY_LEDGER_MAGIC, sizeof magic) == 0 ||
                     memcmp(magic, unmade, sizeof magic) == 0;
    return is_ledger ? 0 : EEXIST;
}

/* Makes an open file this process's alone: only a regular one of ours that nobody has
 * locked, and that is a ledger. */
static int memory_take_file(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return errno;
    }
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid()) {
        return EPERM;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? EBUSY : errno;
    }
    int why = memory_check_ledger(fd);
    if (why != 0) {
        return why;
    }
    return fchmod(fd, 0600) == 0 && ftruncate(fd, 0) == 0 ? 0 : errno;
}

/* Growing stays allowed; shrinking would turn our stores into SIGBUS. */
static int memory_seal(int fd) {
    return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) == 0 ? 0 : errno;
}

/* Moves a descriptor above those of stdio. -1: errno of the move; it is closed. */
static int memory_above_stdio(int fd) {
    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int why = errno;
    close(fd);
    errno = why;
    return above;
}

int belay__memory_open(const char *path, char *out_name, size_t name_bytes, int *out_fd) {
    int fd = memory_above_stdio(
            path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
                         : memfd_create("belay-ledger", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fd < 0) {
        return errno;
    }
    int why = path != NULL ? memory_take_file(fd) : memory_seal(fd);
    if (why != 0) {
        close(fd);
        return why;
    }
    memory_name(path != NULL ? path : "memfd:belay-ledger", out_name, name_bytes);
    *out_fd = fd;
    return 0;
}

int belay__memory_extend(int fd, uint64_t offset, uint64_t bytes) {
    int result = 0;
    struct rlimit limit;
    /* Asked for more than this, the kernel sends SIGXFSZ, which ends the program. */
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && offset + bytes > limit.rlim_cur) {
        return EFBIG;
    }
    do {
        result = fallocate(fd, 0, (off_t)offset, (off_t)bytes);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

int belay__memory_map(int fd, uint64_t offset, size_t bytes, void **out_address) {
    void *address =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
    if (address == MAP_FAILED) {
        return errno;
    }
    *out_address = address;
    return 0;
}

bool belay__memory_move(void *to, void *from, size_t bytes) {
    return mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) != MAP_FAILED;
}
