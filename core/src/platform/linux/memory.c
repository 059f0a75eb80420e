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

#ifndef MADV_COLLAPSE /* musl, and Linux before 6.1, which refuses it */
#define MADV_COLLAPSE 25
#endif

#define MEMORY_PAGE 4096 /* the size of a page to which BELAY__MEMORY_LARGE belongs */

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

/* Maps the file over the aligned part of a reservation, and gives back the rest. 0, or an
 * errno. */
static int memory_map_aligned(int fd, uint64_t offset, void **out_address) {
    size_t reserved = 2 * BELAY__MEMORY_LARGE - MEMORY_PAGE;
    char *start = mmap(NULL, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        return errno;
    }
    size_t before = -(uintptr_t)start % BELAY__MEMORY_LARGE;
    size_t after = reserved - before - BELAY__MEMORY_LARGE;
    char *address = start + before;
    if (mmap(address, BELAY__MEMORY_LARGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                fd, (off_t)offset) == MAP_FAILED) {
        int why = errno;
        munmap(start, reserved);
        return why;
    }
    if (before > 0) {
        munmap(start, before);
    }
    if (after > 0) {
        munmap(address + BELAY__MEMORY_LARGE, after);
    }
    *out_address = address;
    return 0;
}

int belay__memory_map_large(int fd, uint64_t offset, void **out_address) {
    /* With pages of 64 KiB, a large one has 512 MiB. */
    if (sysconf(_SC_PAGESIZE) != MEMORY_PAGE) {
        return ENOTSUP;
    }
    int before = errno;
    int why = memory_map_aligned(fd, offset, out_address);
    errno = before;
    return why;
}

int belay__memory_make_large(void *address) {
    int before = errno;
    /* The kernel looks for the pages in a page table, which there is from the first
     * access on. */
    (void)*(volatile char *)address;
    int why = madvise(address, BELAY__MEMORY_LARGE, MADV_COLLAPSE) == 0 ? 0 : errno;
    errno = before;
    return why;
}

bool belay__memory_move(void *to, void *from, size_t bytes) {
    return mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) != MAP_FAILED;
}
