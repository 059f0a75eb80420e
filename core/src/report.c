/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "account.h"
#include "fork.h"
#include "ledger.h"
#include "lock.h"
#include "rescue.h"
#include "site.h"
#include "start.h"
#include "table.h"
#include "type.h"

#define REPORT_CELLS 512u
#define REPORT_WAYS 8u /* cells that a mistake may be in */
#define REPORT_INTERVAL_MS 1000

/* Equal mistakes: kind, type and sites. */
typedef struct report_cell {
    belay__mistake last; /* last.count: held back so far */
    uint64_t told_ms;
    bool is_used;
} report_cell;

static belay__lock report_lock = BELAY__LOCK_INIT;
static report_cell report_cells[REPORT_CELLS] = {{{0}, 0, false}};
static belay_ledger_report *report_ring = NULL;
static uint64_t report_count = 0;
static uint32_t report_held = 0; /* cells that hold counts back; read without the lock */
static belay_report_fn report_sink = NULL;
static void *report_sink_data = NULL;
static uint32_t report_level = BELAY_LEVEL_SAMPLED;

/* Whether reports go to standard error. */
enum { REPORT_NEVER, REPORT_ALWAYS, REPORT_IF_NO_SINK };

static unsigned report_stderr = REPORT_IF_NO_SINK;

#define REPORT_WORD(name, word, text) word,
#define REPORT_TEXT(name, word, text) text,

const char *belay_report_word(belay_report_kind kind) {
    static const char *const words[] = {BELAY_REPORT_LIST(REPORT_WORD)};
    return (unsigned)kind < BELAY_REPORT_COUNT ? words[kind] : "?";
}

void belay_level_set(belay_level level) {
    if ((unsigned)level < BELAY_LEVEL_COUNT) {
        belay__start();
        belay__store(&report_level, (uint32_t)level);
    }
}

belay_level belay__report_level(void) {
    return (belay_level)belay__load(&report_level);
}

belay_level belay_level_get(void) {
    belay__start();
    return belay__report_level();
}

void belay_report_to(belay_report_fn sink, void *data) {
    belay__start();
    belay__lock_take(&report_lock);
    report_sink = sink;
    report_sink_data = data;
    belay__lock_drop(&report_lock);
}

void belay__report_start(void) {
    static const char *const words[] = {BELAY_LEVEL_LIST(REPORT_WORD)};
    static const char *const switches[] = {"0", "1"}; /* of REPORT_NEVER, REPORT_ALWAYS */
    report_level = belay__setting_word(
            "BELAY_LEVEL", words, BELAY_LEVEL_COUNT, BELAY_LEVEL_SAMPLED);
    report_stderr = belay__setting_word("BELAY_STDERR", switches, 2, REPORT_IF_NO_SINK);
    report_ring = belay__ledger_segment_add(BELAY_LEDGER_REPORTS, 0,
            BELAY_LEDGER_REPORT_ROWS, sizeof(belay_ledger_report));
}

/* What the system's reason means for a ledger. */
static const char *report_hint(int system_error) {
    switch (system_error) {
    case EBUSY:
        return ": another process has it; %p in the name is the process";
    case EEXIST:
        return ": it is no ledger, and left alone";
    case EPERM:
        return ": it is no file, or another user's";
    default:
        return "";
    }
}

/* Writes the sentence. Sizes: count and age first, since they always fit. */
static void report_compose(const belay__mistake *mistake, belay_report *out) {
    static const char *const texts[] = {BELAY_REPORT_LIST(REPORT_TEXT)};
    *out = (belay_report){.kind = mistake->kind,
            .status = mistake->status,
            .type = {mistake->type},
            .handle = {mistake->handle},
            .count = mistake->count,
            .age_ms = mistake->age_ms,
            .code = mistake->code,
            .type_name = belay_type_name((belay_type){mistake->type}),
            .opened = belay__site_text(mistake->opened),
            .closed = belay__site_text(mistake->closed),
            .used = belay__site_text(mistake->used)};
    char *at = out->message;
    size_t left = sizeof out->message;
    int written = snprintf(at, left, "belay: %s: %llu x %s",
            belay_report_word(mistake->kind), (unsigned long long)mistake->count,
            mistake->type == 0 ? "-" : out->type_name);
#define REPORT_APPEND(...)                                                               \
    do {                                                                                 \
        if (written >= 0 && (size_t)written < left) {                                    \
            at += written;                                                               \
            left -= (size_t)written;                                                     \
            written = snprintf(at, left, __VA_ARGS__);                                   \
        }                                                                                \
    } while (0)
    if (mistake->opened != 0) {
        REPORT_APPEND(", opened at %s", out->opened);
    }
    if (mistake->closed != 0) {
        REPORT_APPEND(", closed at %s", out->closed);
    }
    if (mistake->used != 0) {
        REPORT_APPEND(", used at %s", out->used);
    }
    if (mistake->code != 0) {
        REPORT_APPEND(", code %d", mistake->code);
    }
    if (mistake->age_ms != 0) {
        REPORT_APPEND(", age %llu.%01llu s", (unsigned long long)(mistake->age_ms / 1000),
                (unsigned long long)(mistake->age_ms / 100 % 10));
    }
    if (mistake->system_error != 0) {
        REPORT_APPEND(", %s%s", strerror(mistake->system_error),
                report_hint(mistake->system_error));
    }
    const char *ledger = belay__ledger_wish();
    if (mistake->kind == BELAY_REPORT_LEDGER_LOST && ledger != NULL) {
        REPORT_APPEND(", BELAY_LEDGER=%s", ledger);
    }
    if (written >= 0 && (size_t)written + strlen(texts[mistake->kind]) + 4 < left) {
        REPORT_APPEND(" (%s)", texts[mistake->kind]); /* whole or not at all */
    }
#undef REPORT_APPEND
}

/* Sends a report on. Under no lock. */
static void report_tell(const belay__mistake *mistake) {
    belay_report report;
    report_compose(mistake, &report);
    belay__lock_take(&report_lock);
    belay_report_fn sink = report_sink;
    void *data = report_sink_data;
    bool to_stderr = report_stderr == REPORT_ALWAYS ||
                     (report_stderr == REPORT_IF_NO_SINK && sink == NULL);
    belay__lock_drop(&report_lock);
    if (to_stderr) {
        fprintf(stderr, "%s\n", report.message);
    }
    if (sink != NULL) {
        sink(data, &report);
    }
}

/* Puts a report into the ledger's ring. Under report_lock. */
static void report_record(const belay__mistake *mistake) {
    if (report_ring == NULL) {
        return;
    }
    belay_ledger_report *row = &report_ring[report_count % BELAY_LEDGER_REPORT_ROWS];
    belay__store(&row->sequence, 0);
    row->at_ms = belay__now_ms();
    row->handle = mistake->handle;
    row->count = mistake->count;
    row->kind = (uint32_t)mistake->kind;
    row->status = (uint32_t)mistake->status;
    row->type = mistake->type;
    row->code = mistake->code;
    row->opened = mistake->opened;
    row->closed = mistake->closed;
    row->used = mistake->used;
    row->age_ms = (uint32_t)mistake->age_ms;
    report_count++;
    belay__store(&row->sequence, report_count);
    belay__store(&belay__ledger_head()->report_count, report_count);
}

static bool report_is_alike(const belay__mistake *a, const belay__mistake *b) {
    return a->kind == b->kind && a->type == b->type && a->opened == b->opened &&
           a->closed == b->closed && a->used == b->used && a->code == b->code;
}

/* The cell of mistakes like this one, or one to use for it: a free one, or the one that
 * was told longest ago. Under report_lock. */
static report_cell *report_cell_of(const belay__mistake *mistake) {
    uint32_t hash = (uint32_t)mistake->kind * 31 + mistake->type;
    hash = hash * 0x9e3779b1u + mistake->opened;
    hash = hash * 0x9e3779b1u + mistake->closed;
    hash = hash * 0x9e3779b1u + mistake->used;
    size_t set = (hash ^ (hash >> 15)) % (REPORT_CELLS / REPORT_WAYS);
    report_cell *cells = &report_cells[set * REPORT_WAYS];
    report_cell *best = cells;
    for (uint32_t i = 0; i < REPORT_WAYS; i++) {
        if (cells[i].is_used && report_is_alike(&cells[i].last, mistake)) {
            return &cells[i];
        }
        best = cells[i].told_ms < best->told_ms ? &cells[i] : best;
    }
    return best;
}

/* The handle that a report may name: of a live object, unless the net has it in hand, or
 * of a former one; not one that is still to come. */
static uint64_t report_name(uint64_t bits) {
    belay_handle handle = {bits};
    uint32_t index = belay__handle_index(handle);
    const belay__slot *slot = belay__table_slot(index);
    if (slot == NULL) {
        return 0;
    }
    uint64_t state = belay__load(&slot->state);
    if (belay__state_is(state, handle)) {
        return belay__rescue_may_name(index) ? bits : 0;
    }
    /* CLOSED without LIVE: the slot is retired, and keeps its last generation. */
    uint64_t generation = belay__handle_generation(handle);
    uint64_t last = state & BELAY__GENERATION_MASK;
    bool is_past =
            generation < last || (generation == last && (state & BELAY_STATE_CLOSED));
    return is_past ? bits : 0;
}

void belay__report(const belay__mistake *mistake) {
    belay__start();
    if (belay__load_relaxed(&report_level) == BELAY_LEVEL_OFF) {
        return;
    }
    belay__mistake named = *mistake;
    named.handle = report_name(mistake->handle);
    mistake = &named;
    belay__mistake tell[2]; /* what the cell held of another kind; this one */
    int tell_count = 0;
    belay__lock_take(&report_lock);
    uint64_t now = belay__now_ms();
    report_cell *cell = report_cell_of(mistake);
    if (cell->is_used && !report_is_alike(&cell->last, mistake)) {
        if (cell->last.count > 0) {
            report_record(&cell->last);
            tell[tell_count++] = cell->last;
            belay__put(&report_held, report_held - 1);
        }
        cell->is_used = false;
    }
    uint64_t held = cell->is_used ? cell->last.count : 0;
    bool is_early = cell->is_used && now - cell->told_ms < REPORT_INTERVAL_MS;
    cell->is_used = true;
    cell->last = *mistake;
    cell->last.count = held + mistake->count;
    if (is_early) {
        belay__put(&report_held, report_held + (held == 0));
    } else {
        report_record(&cell->last);
        tell[tell_count++] = cell->last;
        cell->last.count = 0;
        cell->told_ms = now;
        belay__put(&report_held, report_held - (held != 0));
    }
    belay__lock_drop(&report_lock);
    for (int i = 0; i < tell_count; i++) {
        report_tell(&tell[i]);
    }
}

void belay__report_wrong_setting(const belay__wrong_setting *wrong) {
    char list[128] = "";
    for (unsigned i = 0; i < wrong->count; i++) {
        size_t length = strlen(list);
        const char *between = i == 0 ? "" : i + 1 == wrong->count ? " or " : ", ";
        (void)snprintf(
                list + length, sizeof list - length, "%s%s", between, wrong->words[i]);
    }
    fprintf(stderr, "belay: %s is \"%s\", not %s: taken as unset\n", wrong->name,
            wrong->said, list);
}

bool belay__report_has_stderr_wish(void) {
    return report_stderr != REPORT_IF_NO_SINK;
}

bool belay__report_is_holding(void) {
    return belay__load_relaxed(&report_held) != 0;
}

void belay_report_flush(void) {
    for (uint32_t i = 0; i < REPORT_CELLS; i++) {
        belay__mistake held = {0};
        belay__lock_take(&report_lock);
        report_cell *cell = &report_cells[i];
        if (cell->is_used && cell->last.count > 0) {
            held = cell->last;
            report_record(&held);
            cell->last.count = 0;
            cell->told_ms = belay__now_ms();
            belay__put(&report_held, report_held - 1);
        }
        belay__lock_drop(&report_lock);
        if (held.count > 0) {
            report_tell(&held);
        }
    }
}

void belay__report_misuse(
        belay_report_kind kind, belay_status status, uint64_t handle, uint32_t used) {
    belay__mistake mistake = {
            .kind = kind, .status = status, .handle = handle, .count = 1, .used = used};
    belay_handle name = {handle};
    belay__slot *slot = belay__table_slot(belay__handle_index(name));
    if (handle != 0 && slot != NULL) {
        uint64_t state = belay__load(&slot->state);
        uint64_t generation = belay__handle_generation(name);
        uint64_t one = UINT64_C(1) << BELAY_STATE_GENERATION_SHIFT;
        bool is_here = belay__state_is(state, name);
        /* The slot remembers its last object until the next one is in. Who closed it, it
         * knows once the pointer is cleared: Go frees an object in between. */
        bool is_past = (state & BELAY_STATE_LIVE) == 0 &&
                       (state & BELAY__GENERATION_MASK) == generation + one;
        /* Only if no other object moved in meanwhile are they this one's. */
        uint32_t type = belay__get_first(&slot->type);
        uint32_t opened = belay__get_first(&slot->site);
        bool is_over = is_past && belay__get_first(&slot->object) == 0;
        uint32_t closed = is_over ? belay__get_first(&slot->epoch) : 0;
        uint64_t change = state ^ belay__load(&slot->state);
        bool is_same = (change & (BELAY__GENERATION_MASK | BELAY_STATE_LIVE)) == 0;
        if ((is_here || is_past) && is_same) {
            mistake.type = type;
            mistake.opened = opened;
            mistake.closed = closed;
        }
    }
    if (belay__type_get(mistake.type) != NULL) {
        belay__account_count(mistake.type, misused);
    }
    belay__report(&mistake);
}

void belay__report_table_full(void) {
    belay__report(&(belay__mistake){
            .kind = BELAY_REPORT_TABLE_FULL, .status = BELAY_TABLE_FULL, .count = 1});
}

void belay__report_ledger_lost(int system_error) {
    belay__report(&(belay__mistake){.kind = BELAY_REPORT_LEDGER_LOST,
            .status = BELAY_SYSTEM,
            .system_error = system_error,
            .count = 1});
}

void belay__report_fork(belay__fork_step step) {
    belay__fork_lock(&report_lock, step);
}
