/* SPDX-License-Identifier: MIT */
/* ledger_test.c - the shared memory: where it lives, what is in it, who may write it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "memfd.h"
#include "thing.h"

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#define F_SEAL_SHRINK 2
#endif

/* A path in the trial's folder. */
static char path[sizeof trial_folder + 64];

static void in_the_folder(const char *name) {
    snprintf(path, sizeof path, "%s/%s", trial_folder, name);
    setenv("BELAY_LEDGER", path, 1);
}

/* The whole file, as a reader in another process would map it. */
typedef struct image {
    unsigned char *bytes;
    size_t length;
} image;

static image image_of(const char *file) {
    struct stat status;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    image self = {malloc((size_t)status.st_size), (size_t)status.st_size};
    assert_non_null(self.bytes);
    assert_int_equal(pread(fd, self.bytes, self.length, 0), (ssize_t)self.length);
    close(fd);
    return self;
}

static const belay_ledger_header *image_head(const image *self) {
    return (const belay_ledger_header *)(const void *)self->bytes;
}

/* Row `index` of a kind of segment; NULL when no segment has it. */
static const void *image_row(const image *self, uint32_t kind, uint32_t index) {
    const belay_ledger_header *head = image_head(self);
    const belay_ledger_segment *segments =
            (const void *)(self->bytes + BELAY_LEDGER_HEADER_BYTES);
    for (uint32_t i = 0; i < head->directory_count; i++) {
        const belay_ledger_segment *at = &segments[i];
        if (at->kind == kind && index - at->first < at->count) {
            uint64_t offset = at->offset + (uint64_t)(index - at->first) * at->stride;
            assert_true(offset + at->stride <= self->length);
            assert_int_equal(at->offset % 4096, 0);
            return self->bytes + offset;
        }
    }
    return NULL;
}

/* Goal: a reader finds everything of an open object in the file. Method: a ledger at a
 * path; one parent, one child with size and site, one mistake; read them by the
 * documented layout. */
TRIAL(file_tells_it_all) {
    in_the_folder("a.ledger");
    belay_type type = thing_type_of((belay_type_options){.name = "the type",
            .size_bytes = 64,
            .guard = BELAY_GUARD_DOMAIN,
            .children = BELAY_CHILDREN_HOLD});
    thing objects[2] = {{0}};
    belay_handle top = thing_own(type, &objects[0]);
    belay_own_options options = {.size = sizeof options,
            .size_bytes = 4711,
            .parent = top,
            .site = "reader r.c:7"};
    belay_handle below = {0};
    assert_status(BELAY_OK, belay_own(type, &objects[1], &options, &below));
    thing_borrow(below, &objects[1]);
    assert_status(BELAY_NOT_BORROWED, belay_return(top));
    assert_string_equal(belay_ledger_name(), path);
    image file = image_of(path);
    const belay_ledger_header *head = image_head(&file);
    assert_memory_equal(head->magic, BELAY_LEDGER_MAGIC, 8);
    assert_int_equal(head->version, BELAY_LEDGER_VERSION);
    assert_int_equal(head->header_bytes, BELAY_LEDGER_HEADER_BYTES);
    assert_int_equal(head->directory_max, BELAY_LEDGER_DIRECTORY_MAX);
    assert_int_equal(head->pid, getpid());
    assert_int_equal(head->type_count, 1);
    assert_true(head->start_unix_ns > 0 && head->start_mono_ns > 0);
    assert_true(head->site_count >= 2);
    assert_int_equal(head->report_count, 1);
    assert_int_equal(head->ended, 0);
    assert_int_equal(head->flags & BELAY_LEDGER_FLAG_BASENAMES, 0);
    const belay_ledger_row *row =
            image_row(&file, BELAY_LEDGER_ROWS, belay__handle_index(below));
    assert_non_null(row);
    assert_true(row->state & BELAY_STATE_LIVE);
    assert_true(row->state & BELAY_STATE_KIN);
    assert_int_equal(row->state & BELAY_STATE_BORROWS, 1);
    assert_true(((row->state ^ below.bits) >> BELAY_STATE_GENERATION_SHIFT) == 0);
    assert_true(row->object == (uint64_t)(uintptr_t)&objects[1]);
    assert_int_equal(row->size_bytes, 4711);
    assert_int_equal(row->type, type.id);
    assert_true(row->parent == top.bits);
    assert_int_equal(row->root, belay__handle_index(top));
    const belay_ledger_site *site = image_row(&file, BELAY_LEDGER_SITES, row->site);
    assert_non_null(site);
    assert_string_equal(site->text, "reader r.c:7");
    row = image_row(&file, BELAY_LEDGER_ROWS, belay__handle_index(top));
    assert_int_equal(row->first_child, belay__handle_index(below));
    assert_int_equal(row->root, belay__handle_index(top));
    const belay_ledger_type *kind = image_row(&file, BELAY_LEDGER_TYPES, type.id);
    assert_string_equal(kind->name, "the type");
    assert_int_equal(kind->size_bytes, 64);
    assert_int_equal(kind->guard, BELAY_GUARD_DOMAIN);
    assert_int_equal(kind->children, BELAY_CHILDREN_HOLD);
    const belay_ledger_counters *counters =
            image_row(&file, BELAY_LEDGER_COUNTERS, type.id);
    uint64_t opened = 0;
    uint64_t bytes = 0;
    for (int i = 0; i < BELAY_LEDGER_SHARDS; i++) {
        opened += counters->shards[i].opened;
        bytes += counters->shards[i].more_bytes;
    }
    assert_int_equal(opened, 2);
    assert_int_equal(counters->size_bytes, 64);
    assert_int_equal(bytes + opened * 64, 4711 + 64);
    assert_int_equal(counters->misused, 1);
    const belay_ledger_report *report = image_row(&file, BELAY_LEDGER_REPORTS, 0);
    assert_int_equal(report->sequence, 1);
    assert_int_equal(report->kind, BELAY_REPORT_DOUBLE_RETURN);
    assert_int_equal(report->type, type.id);
    assert_true(report->handle == top.bits);
    free(file.bytes);
}

/* Goal: the identity of the process is the kernel's. Method: compare with /proc, read
 * anew. */
TRIAL(identity_is_the_kernels) {
    in_the_folder("a.ledger");
    thing object = {0};
    (void)thing_own(thing_type(), &object);
    image file = image_of(path);
    char text[1024] = {0};
    FILE *stat_file = fopen("/proc/self/stat", "r");
    assert_non_null(stat_file);
    assert_non_null(fgets(text, sizeof text, stat_file));
    fclose(stat_file);
    char *at = strrchr(text, ')');
    assert_non_null(at);
    for (int field = 2; field < 22; field++) {
        at = strchr(at + 1, ' ');
        assert_non_null(at);
    }
    assert_int_equal(image_head(&file)->start_ticks, strtoull(at, NULL, 10));
    FILE *boot_file = fopen("/proc/sys/kernel/random/boot_id", "r");
    assert_non_null(boot_file);
    assert_non_null(fgets(text, sizeof text, boot_file));
    fclose(boot_file);
    text[strcspn(text, "\n")] = 0;
    assert_string_equal(image_head(&file)->boot_id, text);
    assert_true(strlen(image_head(&file)->program) > 0);
    free(file.bytes);
}

/* Goal: a file is the user's alone and not handed to programs that are executed. Method:
 * look at the mode and at the descriptor's flag, under an open umask. */
TRIAL(file_is_private) {
    umask(0);
    in_the_folder("a.ledger");
    thing object = {0};
    (void)thing_own(thing_type(), &object);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    int found = 0;
    for (int fd = 3; fd < 256; fd++) {
        struct stat other;
        if (fstat(fd, &other) == 0 && other.st_ino == status.st_ino &&
                other.st_dev == status.st_dev) {
            assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
            found++;
        }
    }
    assert_int_equal(found, 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(trial_folder), 0); /* there was nothing else */
}

/* Goal: %p is the pid, as often as it comes; other marks stay. Method: a pattern with
 * all. */
TRIAL(path_with_the_pid) {
    char wanted[sizeof path];
    in_the_folder("x");
    snprintf(wanted, sizeof wanted, "%s/b-%ld-%ld-%%q", trial_folder, (long)getpid(),
            (long)getpid());
    snprintf(path, sizeof path, "%s/b-%%p-%%p-%%q", trial_folder);
    setenv("BELAY_LEDGER", path, 1);
    thing object = {0};
    (void)thing_own(thing_type(), &object);
    assert_string_equal(belay_ledger_name(), wanted);
    assert_int_equal(access(wanted, F_OK), 0);
}

/* Goal: `off` shares nothing. Method: no file, no descriptor; everything works. */
TRIAL(off_is_private_memory) {
    setenv("BELAY_LEDGER", "off", 1);
    int before = dup(0);
    close(before);
    belay_report_to(thing_report_sink, NULL);
    thing object = {0};
    belay_handle handle = thing_own(thing_type(), &object);
    assert_string_equal(belay_ledger_name(), "private");
    int after = dup(0);
    assert_int_equal(after, before);
    assert_status(BELAY_OK, belay_close(handle, NULL));
    assert_int_equal(object.destroyed, 1);
    assert_int_equal(thing_reported(BELAY_REPORT_LEDGER_LOST), 0);
}

/* Goal: unset means a memfd that nobody can shrink and a viewer can find. Method: look
 * for it in /proc/self/fd, read its seals, try to truncate it. */
TRIAL(memfd_by_default) {
    unsetenv("BELAY_LEDGER");
    thing object = {0};
    (void)thing_own(thing_type(), &object);
    assert_string_equal(belay_ledger_name(), "memfd:belay-ledger");
    int found = memfd_of_ledger();
    assert_true(found >= 0);
    assert_true(fcntl(found, F_GET_SEALS) & F_SEAL_SHRINK);
    assert_true(fcntl(found, F_GETFD) & FD_CLOEXEC);
    assert_int_not_equal(ftruncate(found, 0), 0);
    char magic[8];
    assert_int_equal(pread(found, magic, 8, 0), 8);
    assert_memory_equal(magic, BELAY_LEDGER_MAGIC, 8);
}

/* Does everything with objects once; for a core whose ledger is not what was asked for.
 */
static void assert_core_works(void) {
    thing objects[2] = {{0}};
    belay_type type = thing_type();
    belay_handle top = thing_own(type, &objects[0]);
    (void)thing_own_below(type, &objects[1], top);
    thing_borrow(top, &objects[0]);
    assert_status(BELAY_OK, belay_return(top));
    assert_status(BELAY_OK, belay_close(top, NULL));
    assert_int_equal(objects[0].destroyed + objects[1].destroyed, 2);
    assert_int_equal(thing_stats(type).closed, 2);
}

/* The report says why: `system_error`, an errno. */
static void assert_private_and_told(int system_error) {
    belay_report_to(thing_report_sink, NULL);
    assert_core_works();
    assert_string_equal(belay_ledger_name(), "private");
    assert_int_equal(thing_reported(BELAY_REPORT_LEDGER_LOST), 1);
    assert_int_equal(thing_reports[0].kind, BELAY_REPORT_LEDGER_LOST);
    assert_non_null(strstr(thing_reports[0].message, strerror(system_error)));
    bool is_ours =
            system_error == EBUSY || system_error == EEXIST || system_error == EPERM;
    assert_int_equal(
            strstr(thing_reports[0].message, ": it is no ") != NULL ||
                    strstr(thing_reports[0].message, ": another process") != NULL,
            is_ours);
}

/* Goal: a limit of file sizes costs the shared ledger, not the program: the kernel
 * answers a request past it by a signal that ends. Method: a limit below the first bytes.
 */
TRIAL(file_size_limit_is_kept) {
    struct rlimit limit = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_private_and_told(EFBIG);
}

/* Goal: so does one that is met later, and the report says which. Method: a limit below
 * the next segment, then objects until it is needed. */
TRIAL(file_size_limit_is_met_later) {
    static thing objects[1 << 14];
    belay_report_to(thing_report_sink, NULL);
    belay_type type = thing_type();
    (void)thing_own(type, &objects[0]);
    struct rlimit limit = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (size_t i = 1; i < sizeof objects / sizeof objects[0]; i++) {
        (void)thing_own(type, &objects[i]);
    }
    assert_true(thing_reported(BELAY_REPORT_LEDGER_LOST) >= 1); /* each segment */
    assert_non_null(strstr(thing_reports[0].message, strerror(EFBIG)));
}

/* Goal: the file is none of the program's standard streams, whose text would land in it.
 * Method: start without any, then look what they are. */
TRIAL(closed_streams_stay_closed) {
    in_the_folder("a.ledger");
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        close(fd);
    }
    thing object = {0};
    (void)thing_own(thing_type(), &object);
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        assert_int_equal(fcntl(fd, F_GETFD), -1);
    }
    assert_string_equal(belay_ledger_name(), path);
}

/* Goal: errno is the program's. Method: a value of it over the start and the first
 * object.
 */
TRIAL(errno_is_left_alone) {
    thing object = {0};
    errno = 77;
    (void)thing_own(thing_type(), &object);
    assert_int_equal(errno, 77);
}

/* Goal: a ledger that another process has is not touched. Method: lock the file with
 * content, then start the core; its bytes stay. */
TRIAL(locked_file_is_left_alone) {
    in_the_folder("a.ledger");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "somebody's", 10), 10);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_private_and_told(EBUSY);
    image file = image_of(path);
    assert_int_equal(file.length, 10);
    assert_memory_equal(file.bytes, "somebody's", 10);
    free(file.bytes);
    close(fd);
}

/* Goal: a file that is no ledger is left alone, whatever BELAY_LEDGER says. Method: a
 * text. */
TRIAL(other_file_is_left_alone) {
    in_the_folder("a.ledger");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(write(fd, "a diary, dear", 13), 13);
    assert_private_and_told(EEXIST);
    char text[14] = {0};
    assert_int_equal(pread(fd, text, sizeof text, 0), 13);
    assert_string_equal(text, "a diary, dear");
    close(fd);
}

/* Goal: a stale ledger of a dead process is replaced. Method: a file with old bytes that
 * nobody locks. */
TRIAL(stale_file_is_replaced) {
    in_the_folder("a.ledger");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    char old[5000];
    memset(old, 0xee, sizeof old);
    memcpy(old, BELAY_LEDGER_MAGIC, 8);
    assert_int_equal(write(fd, old, sizeof old), (ssize_t)sizeof old);
    close(fd);
    assert_core_works();
    assert_string_equal(belay_ledger_name(), path);
    image file = image_of(path);
    assert_memory_equal(file.bytes, BELAY_LEDGER_MAGIC, 8);
    assert_true(file.bytes[4095] == 0);
    free(file.bytes);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

/* Goal: places where no ledger can be never stop the program, nor does a link lead
 * elsewhere. Method: a missing folder, a folder itself, a pipe, a link to a ledger, a
 * path that is too long.
 */
TRIAL(missing_folder) {
    setenv("BELAY_LEDGER", "/nowhere/at/all/a.ledger", 1);
    assert_private_and_told(ENOENT);
}

TRIAL(folder_as_file) {
    setenv("BELAY_LEDGER", trial_folder, 1);
    assert_private_and_told(EISDIR);
}

TRIAL(pipe_as_file) {
    in_the_folder("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_private_and_told(EPERM);
}

TRIAL(link_is_not_followed) {
    in_the_folder("link");
    char target[sizeof path];
    snprintf(target, sizeof target, "%s/target", trial_folder);
    int fd = open(target, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, BELAY_LEDGER_MAGIC, 8), 8);
    close(fd);
    assert_int_equal(symlink(target, path), 0);
    assert_private_and_told(ELOOP);
    image file = image_of(target);
    assert_int_equal(file.length, 8);
    assert_memory_equal(file.bytes, BELAY_LEDGER_MAGIC, 8);
    free(file.bytes);
}

TRIAL(path_too_long) {
    static char text[5000];
    memset(text, 'a', sizeof text - 1);
    setenv("BELAY_LEDGER", text, 1);
    assert_private_and_told(ENAMETOOLONG);
}

TRIAL(empty_path_is_unset) {
    setenv("BELAY_LEDGER", "", 1);
    assert_core_works();
    assert_string_equal(belay_ledger_name(), "memfd:belay-ledger");
}

/* Goal: base names on request are marked in the header. Method: the flag, and a text. */
TRIAL(base_names_are_marked) {
    in_the_folder("a.ledger");
    setenv("BELAY_LEDGER_NAMES", "base", 1);
    thing object = {0};
    belay_own_options options = {.size = sizeof options, .site = "f /very/secret/a.c:1"};
    belay_handle handle = {0};
    assert_status(BELAY_OK, belay_own(thing_type(), &object, &options, &handle));
    image file = image_of(path);
    assert_true(image_head(&file)->flags & BELAY_LEDGER_FLAG_BASENAMES);
    assert_null(memmem(file.bytes, file.length, "secret", 6));
    assert_non_null(memmem(file.bytes, file.length, "f a.c:1", 7));
    free(file.bytes);
}

/* Goal: a reader can tell a program that ended from one that died. Method: the flag
 * before and after a shutdown, and after the life that follows. */
TRIAL(ended_is_marked) {
    in_the_folder("a.ledger");
    thing object = {0};
    belay_type type = thing_type();
    assert_status(BELAY_OK, belay_close(thing_own(type, &object), NULL));
    image file = image_of(path);
    assert_int_equal(image_head(&file)->ended, 0);
    free(file.bytes);
    assert_status(BELAY_OK, belay_shutdown(1000, NULL));
    file = image_of(path);
    assert_int_equal(image_head(&file)->ended, 1);
    free(file.bytes);
    belay_handle handle = thing_own(type, &object);
    file = image_of(path);
    assert_int_equal(image_head(&file)->ended, 0);
    free(file.bytes);
    assert_status(BELAY_OK, belay_close(handle, NULL));
}

static int destroy_nothing(void *context, void *object) {
    (void)context;
    (void)object;
    return 0;
}

/* Everything a child of a fork might do to a ledger; exits 0 when it worked. */
static void child_of_fork(belay_type type, belay_handle inherited, thing *object) {
    static thing more[20000];
    for (int i = 0; i < 20000; i++) {
        belay_own_options options = {.size = sizeof options, .site = "child c.c:1"};
        belay_handle handle = {0};
        assert_status(BELAY_OK, belay_own(type, &more[i], &options, &handle));
        if (i % 2) {
            assert_status(BELAY_OK, belay_close(handle, NULL));
        }
    }
    thing_borrow(inherited, object);
    assert_status(BELAY_OK, belay_return(inherited));
    assert_status(BELAY_NOT_BORROWED, belay_return(inherited));
    assert_status(BELAY_OK, belay_close(inherited, NULL));
    (void)thing_type_of((belay_type_options){.name = "child's"});
    (void)belay_epoch_advance();
    assert_string_equal(belay_ledger_name(), "private");
    assert_status(BELAY_OK, belay_shutdown(1000, NULL));
}

/* Goal: the child of a fork works on a copy of its own. Method: the child owns, closes,
 * makes mistakes and ends; the parent's file has the same bytes as before, but for its
 * clock. */
TRIAL(fork_leaves_the_parents_ledger) {
    in_the_folder("a.ledger");
    belay_type type = thing_type_of((belay_type_options){.destroy = destroy_nothing});
    thing object = {0};
    belay_handle handle = thing_own(type, &object);
    image before = image_of(path);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        child_of_fork(type, handle, &object);
        free(before.bytes); /* or Valgrind counts it as the child's leak */
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    image after = image_of(path);
    assert_int_equal(after.length, before.length);
    size_t clock = offsetof(belay_ledger_header, now_ms);
    memset(before.bytes + clock, 0, 8);
    memset(after.bytes + clock, 0, 8);
    assert_memory_equal(after.bytes, before.bytes, before.length);
    free(before.bytes);
    free(after.bytes);
    thing_borrow(handle, &object);
    assert_status(BELAY_OK, belay_return(handle));
    assert_status(BELAY_OK, belay_close(handle, NULL));
}

/* Goal: the parent keeps its lock although a child of a fork has the descriptor, and the
 * child can use the net. Method: a child with a dead net; the lock tried from there. */
TRIAL(fork_keeps_the_lock_and_the_net) {
    if (TRIAL_UNDER_TSAN) {
        return;
    }
    in_the_folder("a.ledger");
    belay_type type = thing_type();
    thing object = {0};
    uint32_t first = belay__bind_group_take(BELAY__GROUP_EXACT, NULL);
    (void)thing_bind(first, type, &object, (belay_handle){0});
    belay__bind_dead(first, 1);
    assert_status(BELAY_OK, belay_drain(20000));
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        thing other = {0};
        int fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_not_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
        (void)thing_bind(first + 1, type, &other, (belay_handle){0});
        belay__bind_dead(first + 1, 1);
        assert_status(BELAY_OK, belay_drain(20000));
        assert_int_equal(thing_destroyed(&other), 1);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_not_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    close(fd);
}

/* Goal: a damaged ledger can't send the writer anywhere. Method: overwrite each field of
 * live rows through a second mapping, one wrong value at a time, then use and end the
 * objects; what comes of them is not promised, but the process must live. */
TRIAL(damaged_rows_do_no_harm) {
    static const size_t fields[] = {offsetof(belay_ledger_row, type),
            offsetof(belay_ledger_row, site), offsetof(belay_ledger_row, epoch),
            offsetof(belay_ledger_row, opened_ms)};
    static const uint32_t values[] = {UINT32_MAX, 0x7fffffff, 1000000, 1023, 0};
    belay_type type = thing_type_of((belay_type_options){.destroy = destroy_nothing});
    in_the_folder("a.ledger");
    belay_report_to(thing_report_sink, NULL);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            thing objects[2] = {{0}};
            void *lent = NULL;
            belay_info info;
            belay_handle top = thing_own(type, &objects[0]);
            belay_handle below = thing_own_below(type, &objects[1], top);
            unsigned char *row =
                    (unsigned char *)belay__bind_slot(belay__handle_index(below));
            memcpy(row + fields[i], &values[j], 4);
            (void)belay_peek(below, &info);
            if (belay_borrow(below, &lent) == BELAY_OK) {
                (void)belay_return(below);
            }
            (void)belay_resize(below, 10);
            (void)belay_measure(below);
            (void)belay_return(below);
            (void)belay_close(below, NULL);
            (void)belay_close(top, NULL);
            assert_status(BELAY_CLOSED, belay_borrow(below, &lent));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(file_tells_it_all),
            cmocka_unit_test(identity_is_the_kernels),
            cmocka_unit_test(file_is_private),
            cmocka_unit_test(path_with_the_pid),
            cmocka_unit_test(off_is_private_memory),
            cmocka_unit_test(memfd_by_default),
            cmocka_unit_test(file_size_limit_is_kept),
            cmocka_unit_test(file_size_limit_is_met_later),
            cmocka_unit_test(closed_streams_stay_closed),
            cmocka_unit_test(errno_is_left_alone),
            cmocka_unit_test(locked_file_is_left_alone),
            cmocka_unit_test(other_file_is_left_alone),
            cmocka_unit_test(stale_file_is_replaced),
            cmocka_unit_test(missing_folder),
            cmocka_unit_test(folder_as_file),
            cmocka_unit_test(pipe_as_file),
            cmocka_unit_test(link_is_not_followed),
            cmocka_unit_test(path_too_long),
            cmocka_unit_test(empty_path_is_unset),
            cmocka_unit_test(base_names_are_marked),
            cmocka_unit_test(ended_is_marked),
            cmocka_unit_test(fork_leaves_the_parents_ledger),
            cmocka_unit_test(fork_keeps_the_lock_and_the_net),
            cmocka_unit_test(damaged_rows_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
