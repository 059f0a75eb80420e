/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include "belay/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "atomic.h"
#include "extent.h"
#include "fork.h"
#include "lock.h"
#include "platform.h"
#include "report.h"
#include "setting.h"

#define LEDGER_HEAD_BYTES                                                                \
    (BELAY_LEDGER_HEADER_BYTES +                                                         \
            BELAY_LEDGER_DIRECTORY_MAX * sizeof(belay_ledger_segment))

#define LEDGER_ENDING (BELAY_STATE_CLOSED | BELAY_STATE_DYING)
#define LEDGER_PARENT_MS 1000 /* how long the child of a fork waits for the parent */

_Static_assert(sizeof(belay_ledger_header) <= BELAY_LEDGER_HEADER_BYTES, "header fits");
_Static_assert(sizeof(belay_ledger_row) == 64, "a row is a cache line");

/* Memory word by word, whatever it holds. */
typedef uint64_t __attribute__((may_alias)) ledger_word;

/* A mapping of the file, to be made private after a fork. */
typedef struct ledger_mapping {
    void *address;
    size_t bytes;
    uint32_t kind; /* of the segment; BELAY_LEDGER_NONE: the head */
    void *copy;    /* while a fork goes on: what the child gets; NULL: no memory */
} ledger_mapping;

/* What the parent of a fork tells the child: which rows changed around it. */
typedef struct ledger_note {
    uint32_t is_whole; /* stored last */
    unsigned char rows[];
} ledger_note;

static belay__lock ledger_lock = BELAY__LOCK_INIT;
static int ledger_fd = -1;
static uint64_t ledger_end = 0; /* bytes of the file in use */
static uint64_t ledger_start_ns = 0;
static uint32_t ledger_is_lost = 0;  /* and not yet reported */
static uint32_t ledger_lost_why = 0; /* errno, stored before ledger_is_lost */
static char ledger_name[512] = "private";
static ledger_mapping ledger_mappings[BELAY_LEDGER_DIRECTORY_MAX + 1] = {{0}};
static uint32_t ledger_mapping_count = 0;
static ledger_note *ledger_changes = NULL; /* while a fork goes on */
static size_t ledger_note_bytes = 0;

/* Where the head lives when there is no memory for it: the program goes on. */
static _Alignas(64) unsigned char ledger_last_resort[LEDGER_HEAD_BYTES] = {0};
static unsigned char *ledger_memory = ledger_last_resort;

belay_ledger_header *belay__ledger_head(void) {
    return (belay_ledger_header *)(void *)ledger_memory;
}

uint64_t belay__now_ms(void) {
    return (belay__clock_mono_coarse_ns() - ledger_start_ns) / 1000000 + 1;
}

uint32_t belay__age_ms(uint32_t opened_ms) {
    uint32_t age = (uint32_t)belay__now_ms() - opened_ms;
    /* The coarse clock that stamped it may be a tick ahead of ours. */
    return age > UINT32_MAX - 1000 ? 0 : age;
}

const char *belay_ledger_name(void) {
    return ledger_name;
}

/* Expands %p to the pid. False: too long. */
static bool ledger_path(const char *pattern, char *out_path, size_t bytes) {
    size_t length = 0;
    for (const char *at = pattern; *at != 0; at++) {
        char digits[24];
        const char *piece = at;
        size_t piece_length = 1;
        if (at[0] == '%' && at[1] == 'p') {
            uint64_t pid = (uint64_t)getpid();
            char *digit = digits + sizeof digits;
            do {
                *--digit = (char)('0' + pid % 10);
                pid /= 10;
            } while (pid != 0);
            piece = digit;
            piece_length = (size_t)(digits + sizeof digits - digit);
            at++;
        }
        if (length + piece_length >= bytes) {
            return false;
        }
        memcpy(out_path + length, piece, piece_length);
        length += piece_length;
    }
    out_path[length] = 0;
    return length > 0;
}

/* Rounds up to whole pages, of which arm64 has several sizes: what is not aligned to the
 * system's can't be mapped. */
static size_t ledger_whole_pages(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

/* Maps `bytes` more at the end of the file. Not 0: an errno. */
static int ledger_append(size_t bytes, uint64_t *out_offset, void **out_address) {
    int why = belay__memory_extend(ledger_fd, ledger_end, bytes);
    if (why == 0) {
        why = belay__memory_map(ledger_fd, ledger_end, bytes, out_address);
    }
    *out_offset = ledger_end;
    ledger_end += why == 0 ? bytes : 0;
    return why;
}

/* Maps `bytes` more of the file, whole pages, behind `before` bytes of its kind.
 * Not 0: an errno, the file can't give them. */
static int ledger_map(uint32_t kind, uint64_t before, size_t bytes, uint64_t *out_offset,
        void **out_address) {
    if (ledger_mapping_count > BELAY_LEDGER_DIRECTORY_MAX) {
        return ENOSPC;
    }
    int why = ENOTSUP;
    if (kind == BELAY_LEDGER_ROWS && before >= BELAY__EXTENT_AFTER) {
        why = belay__extent_map(ledger_fd, &ledger_end, bytes, out_offset, out_address);
    }
    if (why != 0) {
        why = ledger_append(bytes, out_offset, out_address);
    }
    if (why == 0) {
        ledger_mappings[ledger_mapping_count++] =
                (ledger_mapping){*out_address, bytes, kind, NULL};
    }
    return why;
}

/* Copies a mapping before a fork: the parent goes on with the mapping itself, also before
 * the child looks at it. */
static void ledger_copy(ledger_mapping *mapping) {
    const ledger_word *words = mapping->address;
    ledger_word *copy = belay__memory_private(mapping->bytes);
    for (size_t i = 0; copy != NULL && i < mapping->bytes / sizeof *copy; i++) {
        uint64_t word = belay__get(&words[i]);
        if (word != 0) { /* else the page may stay unmade */
            copy[i] = word;
        }
    }
    mapping->copy = copy;
}

static size_t ledger_rows(const ledger_mapping *mapping) {
    return mapping->kind == BELAY_LEDGER_ROWS ? mapping->bytes / sizeof(belay_ledger_row)
                                              : 0;
}

/* True for an object of the copy that is not as it was. Another thread ended it around
 * the fork, and nothing tells on which side. */
static bool ledger_has_changed(const ledger_mapping *mapping, size_t row) {
    const belay_ledger_row *now = mapping->address;
    const belay_ledger_row *copy = mapping->copy;
    uint64_t decisive = LEDGER_ENDING | BELAY_STATE_LIVE |
                        ~((UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT) - 1);
    return (copy[row].state & BELAY_STATE_LIVE) &&
           ((copy[row].state ^ belay__load(&now[row].state)) & decisive) != 0;
}

static void ledger_before_fork(void) {
    size_t rows = 0;
    for (uint32_t i = 0; i < ledger_mapping_count; i++) {
        ledger_copy(&ledger_mappings[i]);
        rows += ledger_rows(&ledger_mappings[i]);
    }
    ledger_note_bytes = ledger_whole_pages(sizeof(ledger_note) + rows);
    ledger_changes =
            ledger_mapping_count == 0 ? NULL : belay__memory_common(ledger_note_bytes);
}

static void ledger_forget_copies(void) {
    for (uint32_t i = 0; i < ledger_mapping_count; i++) {
        if (ledger_mappings[i].copy != NULL) {
            belay__memory_release(ledger_mappings[i].copy, ledger_mappings[i].bytes);
            ledger_mappings[i].copy = NULL;
        }
    }
    if (ledger_changes != NULL) {
        belay__memory_release(ledger_changes, ledger_note_bytes);
        ledger_changes = NULL;
    }
}

/* In the parent, before its thread goes on and changes more. */
static void ledger_tell_child(void) {
    size_t at = 0;
    for (uint32_t i = 0; i < ledger_mapping_count && ledger_changes != NULL; i++) {
        const ledger_mapping *mapping = &ledger_mappings[i];
        for (size_t row = 0; row < ledger_rows(mapping); row++, at++) {
            if (mapping->copy != NULL && ledger_has_changed(mapping, row)) {
                ledger_changes->rows[at] = 1;
            }
        }
    }
    if (ledger_changes != NULL) {
        belay__store(&ledger_changes->is_whole, 1);
    }
    ledger_forget_copies();
}

/* Waits for the parent's word. It may be stopped or dead: then the child looks itself,
 * and takes for changed what the parent did since, too. */
static bool ledger_await_parent(void) {
    uint64_t deadline = belay__now_ms() + LEDGER_PARENT_MS;
    while (!belay__load(&ledger_changes->is_whole)) {
        if (belay__now_ms() >= deadline) {
            return false;
        }
        belay__thread_pause();
    }
    return true;
}

/* Makes the copies good for the child. What changed counts there as in its destructor,
 * which is never wrong: nobody calls it. */
static void ledger_settle(void) {
    bool is_told = ledger_await_parent();
    size_t at = 0;
    for (uint32_t i = 0; i < ledger_mapping_count; i++) {
        const ledger_mapping *mapping = &ledger_mappings[i];
        belay_ledger_row *copy = mapping->copy;
        for (size_t row = 0; row < ledger_rows(mapping); row++, at++) {
            if (is_told ? ledger_changes->rows[at] : ledger_has_changed(mapping, row)) {
                copy[row].state |= LEDGER_ENDING;
            }
        }
    }
}

/* The child of a fork must not write its parent's ledger. */
static void ledger_forked(void) {
    bool is_private = ledger_mapping_count == 0 || ledger_changes != NULL;
    for (uint32_t i = 0; i < ledger_mapping_count; i++) {
        is_private = is_private && ledger_mappings[i].copy != NULL;
    }
    if (is_private && ledger_mapping_count > 0) {
        ledger_settle();
    }
    for (uint32_t i = 0; i < ledger_mapping_count && is_private; i++) {
        ledger_mapping *mapping = &ledger_mappings[i];
        is_private = belay__memory_move(mapping->address, mapping->copy, mapping->bytes);
        mapping->copy = NULL;
    }
    if (!is_private) {
        /* Going on would corrupt the parent's records. */
        abort();
    }
    ledger_forget_copies();
    ledger_mapping_count = 0;
    belay__extent_drop();
    if (ledger_fd >= 0) {
        close(ledger_fd);
        ledger_fd = -1;
    }
    belay__ledger_head()->pid = (uint32_t)getpid();
    memcpy(ledger_name, "private", sizeof "private");
}

const char *belay__ledger_wish(void) {
    const char *wish = belay__process_setting("BELAY_LEDGER");
    return wish == NULL || wish[0] == 0 ? NULL : wish;
}

/* 0, or an errno; also without a file, when none is wanted. */
static int ledger_open(void) {
    const char *wish = belay__ledger_wish();
    char path[sizeof ledger_name];
    if (wish != NULL && strcmp(wish, "off") == 0) {
        return 0;
    }
    if (wish != NULL) {
        if (!ledger_path(wish, path, sizeof path)) {
            return ENAMETOOLONG;
        }
        wish = path;
    }
    return belay__memory_open(wish, ledger_name, sizeof ledger_name, &ledger_fd);
}

void belay__ledger_start(void) {
    /* By the clock that belay__now_ms reads: the exact one is ahead of it, and the first
     * milliseconds would come out negative. */
    ledger_start_ns = belay__clock_mono_coarse_ns();
    int why = ledger_open();
    uint64_t offset = 0;
    void *head = NULL;
    if (ledger_fd >= 0) {
        why = ledger_map(BELAY_LEDGER_NONE, 0, ledger_whole_pages(LEDGER_HEAD_BYTES),
                &offset, &head);
    }
    ledger_lost_why = (uint32_t)why;
    const char *wish = belay__ledger_wish();
    /* Asked for, or to be had here: then its absence is worth telling. */
    bool is_lost = head == NULL &&
                   (wish == NULL ? belay__memory_can_share() : strcmp(wish, "off") != 0);
    if (head == NULL) {
        if (ledger_fd >= 0) {
            close(ledger_fd);
            ledger_fd = -1;
        }
        memcpy(ledger_name, "private", sizeof "private");
        head = belay__memory_private(LEDGER_HEAD_BYTES);
    }
    if (head != NULL) {
        ledger_memory = head;
    }
    belay_ledger_header *header = belay__ledger_head();
    header->version = BELAY_LEDGER_VERSION;
    header->header_bytes = BELAY_LEDGER_HEADER_BYTES;
    header->pid = (uint32_t)getpid();
    header->start_ticks = belay__process_start_ticks();
    belay__process_boot_id(header->boot_id, sizeof header->boot_id);
    belay__process_program(header->program, sizeof header->program);
    header->start_unix_ns = belay__clock_unix_ns();
    header->start_mono_ns = ledger_start_ns;
    header->directory_max = BELAY_LEDGER_DIRECTORY_MAX;
    static const char *const names[] = {"base"};
    if (belay__setting_word("BELAY_LEDGER_NAMES", names, 1, 1) == 0) {
        header->flags |= BELAY_LEDGER_FLAG_BASENAMES;
    }
    uint64_t magic = 0;
    memcpy(&magic, BELAY_LEDGER_MAGIC, sizeof magic);
    belay__store((uint64_t *)(void *)header->magic, magic);
    ledger_is_lost = is_lost;
}

void belay__ledger_goes_on(void) {
    if (belay__load_relaxed(&belay__ledger_head()->ended)) {
        belay__store(&belay__ledger_head()->ended, 0);
    }
}

void belay__ledger_tell_lost(void) {
    if (belay__load_relaxed(&ledger_is_lost) && belay__swap(&ledger_is_lost, 0)) {
        belay__report_ledger_lost((int)belay__get(&ledger_lost_why));
    }
}

void *belay__ledger_segment_add(
        uint32_t kind, uint32_t first, uint32_t count, uint32_t stride) {
    size_t bytes = ledger_whole_pages((size_t)count * stride);
    belay_ledger_header *header = belay__ledger_head();
    belay__lock_take(&ledger_lock);
    bool was_shared = ledger_fd >= 0;
    uint32_t entry = header->directory_count;
    uint64_t offset = 0;
    void *rows = NULL;
    int why = ENOSPC; /* in the directory */
    if (was_shared && entry < BELAY_LEDGER_DIRECTORY_MAX) {
        why = ledger_map(kind, (uint64_t)first * stride, bytes, &offset, &rows);
    }
    if (rows != NULL) {
        belay_ledger_segment *directory =
                (belay_ledger_segment *)(void *)(ledger_memory +
                                                 BELAY_LEDGER_HEADER_BYTES);
        directory[entry] = (belay_ledger_segment){kind, first, count, stride, offset};
        /* Pairs with the acquire load of a reader in another process. */
        belay__store(&header->directory_count, entry + 1);
    }
    belay__lock_drop(&ledger_lock);
    if (rows == NULL) {
        rows = belay__memory_private(bytes);
        if (was_shared && rows != NULL) {
            belay__put(&ledger_lost_why, (uint32_t)why);
            belay__store(&ledger_is_lost, 1); /* our caller may hold a lock: told later */
        }
    }
    return rows;
}

void belay__ledger_fork(belay__fork_step step) {
    if (step == BELAY__FORK_BEFORE) {
        belay__fork_lock(&ledger_lock, step);
        ledger_before_fork();
        return;
    }
    if (step == BELAY__FORK_PARENT) {
        ledger_tell_child();
    } else {
        ledger_forked();
    }
    belay__fork_lock(&ledger_lock, step);
}
