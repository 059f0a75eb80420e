/* SPDX-License-Identifier: MIT */
/* snapshot.c - one reading of a ledger. */
#include "snapshot/snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "snapshot/account.h"
#include "snapshot/directory.h"
#include "snapshot/ring.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "ledgers are little endian, and so must be the reader"
#endif

/* An object may be opened a little after the clock was read. */
#define SNAPSHOT_CLOCK_LAG_MS 60000u

static bool snapshot_read_header(
        belay_ledger_header *header, const top_source *source, top_failure *failure) {
    memset(header, 0, sizeof *header);
    size_t bytes = top_source_read(source, 0, header, sizeof *header);
    static const char zeroes[sizeof header->magic] = {0};
    if (bytes >= sizeof header->magic &&
            memcmp(header->magic, zeroes, sizeof zeroes) == 0) {
        return top_failure_set(failure,
                "%s: the ledger is not finished; its program is starting, or died while "
                "starting: try again",
                source->name);
    }
    if (memcmp(header->magic, BELAY_LEDGER_MAGIC, sizeof header->magic) != 0) {
        return top_failure_set(failure,
                "%s: not a Belay ledger (it does not begin with %s); give the file that "
                "BELAY_LEDGER named, or a pid",
                source->name, BELAY_LEDGER_MAGIC);
    }
    if (bytes < sizeof *header) {
        return top_failure_set(failure,
                "%s: cut short, it ends within the header after %zu bytes; copy the file "
                "again, whole",
                source->name, bytes);
    }
    if (header->version != BELAY_LEDGER_VERSION ||
            header->header_bytes != BELAY_LEDGER_HEADER_BYTES) {
        return top_failure_set(failure,
                "%s: a ledger of version %" PRIu32 " with a header of %" PRIu32
                " bytes, and version %d with %d can be read here; use the tools of the "
                "Belay that wrote it",
                source->name, header->version, header->header_bytes, BELAY_LEDGER_VERSION,
                BELAY_LEDGER_HEADER_BYTES);
    }
    header->boot_id[sizeof header->boot_id - 1] = '\0';
    header->program[sizeof header->program - 1] = '\0';
    return true;
}

static uint64_t snapshot_clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The moment that ages count to: the reading's own when the program runs, else the last
 * one that the ledger has a trace of. */
static uint64_t snapshot_now(const top_snapshot *snapshot, uint64_t clock_ms) {
    const belay_ledger_header *header = &snapshot->header;
    uint64_t start_ms = header->start_mono_ns / 1000000;
    if (top_life_is_running(snapshot->life) && clock_ms >= start_ms) {
        return clock_ms - start_ms;
    }
    uint64_t now_ms = header->now_ms;
    for (uint32_t i = 0; i < snapshot->report_count; i++) {
        now_ms =
                snapshot->reports[i].at_ms > now_ms ? snapshot->reports[i].at_ms : now_ms;
    }
    /* The program's clock sleeps while nothing is opened, and reads 0 then. */
    for (uint32_t i = 0; header->now_ms == 0 && i < snapshot->objects.count; i++) {
        uint32_t opened_ms = snapshot->objects.items[i].opened_ms;
        now_ms = opened_ms > now_ms ? opened_ms : now_ms;
    }
    return now_ms;
}

static void snapshot_set_ages(top_snapshot *snapshot) {
    for (uint32_t i = 0; i < snapshot->objects.count; i++) {
        top_object *object = &snapshot->objects.items[i];
        uint32_t ahead_ms = object->opened_ms - (uint32_t)snapshot->now_ms;
        object->age_ms = ahead_ms <= SNAPSHOT_CLOCK_LAG_MS ? 0 : -ahead_ms;
    }
}

/* Looks at the processes first and at the header's last words after: a program that ended
 * between the two would else seem to have died. */
static void snapshot_decide_life(top_snapshot *snapshot, const top_source *source) {
    belay_ledger_header last;
    char boot_id[TOP_BOOT_ID_BYTES];
    top_process_boot_id(boot_id);
    uint32_t pid = snapshot->header.pid;
    top_process named = top_process_look(pid <= INT32_MAX ? (int32_t)pid : 0);
    top_process holder = top_process_look(source->pid);
    if (top_source_read(source, 0, &last, sizeof last) == sizeof last) {
        snapshot->header.ended = last.ended;
        snapshot->header.now_ms = last.now_ms;
    }
    snapshot->life = top_life_decide(&snapshot->header, boot_id, &holder, &named);
    if (source->pid != 0 && holder.is_there &&
            holder.start_ticks != snapshot->header.start_ticks) {
        top_note_add(&snapshot->notes, TOP_NOTE_REMARK,
                "process %" PRId32
                " holds this ledger, but did not write it: it was forked "
                "from the writer, or got the descriptor from it",
                source->pid);
    }
}

/* Notes what the parts say about each other. */
static void snapshot_compare(top_snapshot *snapshot) {
    uint64_t live = 0;
    uint32_t nameless = 0;
    for (uint32_t id = 0; id < snapshot->type_count; id++) {
        live += snapshot->types[id].account.live;
    }
    for (uint32_t i = 0; i < snapshot->objects.count; i++) {
        nameless += snapshot->objects.items[i].type >= snapshot->type_count;
    }
    if (nameless > 0) {
        top_note_add(&snapshot->notes, TOP_NOTE_DAMAGE,
                "%" PRIu32 " open objects are of types that are not in the file",
                nameless);
    }
    if (snapshot->objects.changing > 0) {
        top_note_add(&snapshot->notes, TOP_NOTE_REMARK,
                "%" PRIu32 " objects changed while they were read and are not listed",
                snapshot->objects.changing);
    }
    if (!top_life_is_running(snapshot->life) && live != snapshot->objects.count) {
        top_note_add(&snapshot->notes, TOP_NOTE_REMARK,
                "the counters say %" PRIu64 " live, the table holds %" PRIu32
                ": it died between two stores, or the rest was in private memory "
                "(ledger-lost)",
                live, snapshot->objects.count);
    }
}

static void snapshot_read_sites(top_snapshot *snapshot, const top_source *source,
        const top_directory *directory) {
    snapshot->sites = top_directory_read_table(directory, source, TOP_KIND_SITES,
            SIZE_MAX, &snapshot->site_count, &snapshot->notes);
    if (snapshot->site_count < snapshot->header.site_count) {
        top_note_add(&snapshot->notes, TOP_NOTE_DAMAGE,
                "%" PRIu32 " lines are interned, %" PRIu32 " are in the file",
                snapshot->header.site_count, snapshot->site_count);
    }
    for (uint32_t id = 0; id < snapshot->site_count; id++) {
        snapshot->sites[id].text[sizeof snapshot->sites[id].text - 1] = '\0';
    }
}

bool top_snapshot_take(
        top_snapshot *out_snapshot, const top_source *source, top_failure *out_failure) {
    *out_snapshot = (top_snapshot){0};
    if (!snapshot_read_header(&out_snapshot->header, source, out_failure)) {
        return false;
    }
    top_directory *directory = calloc(1, sizeof *directory);
    if (!directory) {
        return top_failure_set(out_failure, "%s: out of memory", source->name);
    }
    uint64_t clock_ms = snapshot_clock_ms();
    top_directory_read(directory, source, &out_snapshot->header, &out_snapshot->notes);
    /* Rows before types and sites: what a row names was there before the row. */
    bool is_read = top_objects_read(&out_snapshot->objects, source, directory);
    top_ring_read(out_snapshot, source, directory);
    is_read = is_read && top_account_read(out_snapshot, source, directory);
    snapshot_read_sites(out_snapshot, source, directory);
    free(directory);
    if (!is_read) {
        top_snapshot_fini(out_snapshot);
        return top_failure_set(out_failure,
                "%s: out of memory; use a machine with room for the %" PRIu64
                " bytes of the ledger",
                source->name, top_source_size(source));
    }
    snapshot_decide_life(out_snapshot, source);
    out_snapshot->now_ms = snapshot_now(out_snapshot, clock_ms);
    snapshot_set_ages(out_snapshot);
    snapshot_compare(out_snapshot);
    return true;
}

void top_snapshot_fini(top_snapshot *snapshot) {
    free(snapshot->types);
    free(snapshot->sites);
    free(snapshot->reports);
    top_objects_fini(&snapshot->objects);
    *snapshot = (top_snapshot){0};
}

const char *top_snapshot_type_name(const top_snapshot *snapshot, uint32_t type) {
    return type > 0 && type < snapshot->type_count ? snapshot->types[type].name : "?";
}

const char *top_snapshot_site_text(const top_snapshot *snapshot, uint32_t site) {
    const char *text = site < snapshot->site_count ? snapshot->sites[site].text : "";
    return *text != '\0' ? text : "?";
}
