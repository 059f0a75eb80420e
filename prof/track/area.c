/* SPDX-License-Identifier: MIT */
#include "area.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AREA_FD_LOWEST = 500 /* out of the way of programs that count on low numbers */ };

enum { AREA_POPULATE_WRITE = 23 /* MADV_POPULATE_WRITE, which older headers lack */ };

enum { AREA_UNKNOWN, AREA_BACKED = PROF_AREA_BACKED, AREA_REFUSED };

prof_area prof__area = {0};

_Atomic uint8_t prof__area_parts[PROF_AREA_PARTS_MAX] = {0};

static int area_fd = -1;
static dev_t area_device = 0;
static ino_t area_inode = 0;

void prof__area_lose(int kind) {
    if (prof__area.header) {
        atomic_fetch_add_explicit(
                &prof__area.header->losses[kind], 1, memory_order_relaxed);
    }
}

/* The program may have closed our descriptor and opened a file of its own with its
 * number. */
static bool area_fd_is_ours(void) {
    struct stat now;

    return fstat(area_fd, &now) == 0 && now.st_dev == area_device &&
           now.st_ino == area_inode;
}

static int area_allocate(size_t part) {
    int result;

    do {
        result = fallocate(area_fd, 0, (off_t)(part << PROF_AREA_PART_BITS),
                (off_t)1 << PROF_AREA_PART_BITS);
    } while (result < 0 && errno == EINTR);
    return result;
}

/* For a program that has closed all descriptors, ours among them: the kernel touches the
 * pages and returns an error where we would get a SIGBUS (Linux 5.14 and newer). */
static int area_populate(size_t part) {
    char *base = (char *)prof__area.header;

    return base ? madvise(base + (part << PROF_AREA_PART_BITS),
                          (size_t)1 << PROF_AREA_PART_BITS, AREA_POPULATE_WRITE)
                : -1;
}

static bool area_back_part(size_t part) {
    uint8_t state = atomic_load_explicit(&prof__area_parts[part], memory_order_relaxed);
    int saved_errno = errno;
    int result;

    if (state == AREA_BACKED) {
        return true;
    }
    if (state == AREA_REFUSED) {
        return false;
    }
    result = area_fd_is_ours() ? area_allocate(part) : area_populate(part);
    atomic_store_explicit(&prof__area_parts[part],
            result == 0 ? AREA_BACKED : AREA_REFUSED, memory_order_relaxed);
    if (result < 0 && part != 0) {
        prof__area_lose(PROF_LOSS_BACKING);
    }
    errno = saved_errno;
    return result == 0;
}

bool prof__area_ask(size_t first_part, size_t last_part) {
    for (size_t part = first_part; part <= last_part; part++) {
        if (!area_back_part(part)) {
            return false;
        }
    }
    return true;
}

static uint64_t area_place(
        prof_section *section, uint64_t at, uint64_t count, size_t bytes) {
    section->offset = at;
    section->count = count;
    /* Whole parts, so that no part belongs to two tables. */
    return (at + count * bytes + (1u << PROF_AREA_PART_BITS) - 1) >>
           PROF_AREA_PART_BITS << PROF_AREA_PART_BITS;
}

/* A process that becomes another program (execve) keeps its id, and so the name of its
 * trace. What it recorded as the program before makes room; other files never do. False:
 * this very program writes the trace, by a second recorder; exec would have let go of the
 * lock. */
static bool area_clear(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool is_held = false;
    prof_trace_header old;
    struct stat status;

    if (fd < 0) {
        return true;
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
            status.st_uid == geteuid() && read(fd, &old, sizeof old) == sizeof old &&
            old.magic == PROF_TRACE_MAGIC && old.pid == (uint64_t)getpid()) {
        is_held = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
        if (!is_held) {
            unlink(path);
        }
    }
    close(fd);
    return !is_held;
}

static const char *area_open(const char *path, uint64_t size) {
    struct rlimit limit;
    struct stat status;
    int fd, high;

    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size) {
        errno = EFBIG;
        return "the limit on file sizes (ulimit -f) is below the size of the trace";
    }
    if (!area_clear(path)) {
        errno = EALREADY;
        return "this process has a profile already";
    }
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return errno == EEXIST ? "a file of this name stays as it is; have %p in the name"
                               : "cannot create the trace file";
    }
    /* Until the process ends or becomes another program; see area_clear. */
    (void)flock(fd, LOCK_EX | LOCK_NB);
    high = fcntl(fd, F_DUPFD_CLOEXEC, AREA_FD_LOWEST);
    if (high >= 0) {
        close(fd);
        fd = high;
    }
    area_fd = fd;
    if (ftruncate(fd, (off_t)size) < 0 || fstat(fd, &status) < 0) {
        return "cannot size the trace file";
    }
    area_device = status.st_dev;
    area_inode = status.st_ino;
    if (!area_back_part(0)) {
        errno = ENOSPC;
        return "the file system of the trace file is full or has no fallocate";
    }
    return NULL;
}

const char *prof__area_create(const char *path, const prof_area_limits *limits) {
    prof_trace_header plan = {0};
    uint64_t end = 1u << PROF_AREA_PART_BITS;
    char *base = MAP_FAILED;
    const char *problem;
    int saved_errno;

    end = area_place(&plan.lanes, end, PROF_LANES_MAX, sizeof(prof_lane));
    end = area_place(&plan.modules, end, PROF_MODULES_MAX, sizeof(prof_module));
    end = area_place(&plan.stacks, end, limits->stacks, sizeof(prof_stack));
    end = area_place(&plan.frames, end, limits->frames, sizeof(uint64_t));
    end = area_place(&plan.blocks, end, limits->blocks, sizeof(prof_block));
    if (end >> PROF_AREA_PART_BITS > PROF_AREA_PARTS_MAX) {
        errno = EFBIG;
        return "the tables asked for are larger than 4 GiB";
    }
    problem = area_open(path, end);
    if (!problem) {
        base = mmap(NULL, end, PROT_READ | PROT_WRITE, MAP_SHARED, area_fd, 0);
        problem = base == MAP_FAILED ? "cannot map the trace file" : NULL;
    }
    if (problem) {
        saved_errno = errno;
        if (area_fd >= 0) {
            unlink(path); /* ours, and no trace */
        }
        prof__area_abandon();
        errno = saved_errno;
        return problem;
    }
    /* Or each first touch of a part of it would read ahead: on a disk, megabytes of a
     * file that has nothing in it yet. */
    (void)madvise(base, end, MADV_RANDOM);
    prof__area.lanes = (prof_lane *)(void *)(base + plan.lanes.offset);
    prof__area.modules = (prof_module *)(void *)(base + plan.modules.offset);
    prof__area.stacks = (prof_stack *)(void *)(base + plan.stacks.offset);
    prof__area.frames = (uint64_t *)(void *)(base + plan.frames.offset);
    prof__area.blocks = (prof_block *)(void *)(base + plan.blocks.offset);
    prof__area.header = (prof_trace_header *)(void *)base;
    *prof__area.header = plan;
    return NULL;
}

void prof__area_abandon(void) {
    /* The mapping stays: another thread of the parent's image may have been inside it. */
    prof__area = (prof_area){0};
    for (size_t i = 0; i < PROF_AREA_PARTS_MAX; i++) {
        atomic_store_explicit(&prof__area_parts[i], AREA_UNKNOWN, memory_order_relaxed);
    }
    if (area_fd >= 0 && area_fd_is_ours()) {
        close(area_fd);
    }
    area_fd = -1;
}
