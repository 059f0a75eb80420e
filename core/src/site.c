/* SPDX-License-Identifier: MIT */
#include "site.h"

#include <string.h>

#include "atomic.h"
#include "fork.h"
#include "ledger.h"
#include "lock.h"
#include "report.h"

#define SITE_SEGMENT 1024u
#define SITE_SEGMENTS 64u
#define SITE_MAX (SITE_SEGMENT * SITE_SEGMENTS)
#define SITE_BUCKETS 16384u
#define SITE_POINTERS 4096u

/* A text pointer that was seen before. */
typedef struct site_pointer {
    uint64_t text; /* stored last */
    uint32_t site;
    uint32_t hash;
} site_pointer;

static belay__lock site_lock = BELAY__LOCK_INIT;
static belay_ledger_site *site_rows[SITE_SEGMENTS] = {0};
static uint32_t site_buckets[SITE_BUCKETS] = {0}; /* first site of a chain */
static uint32_t site_next[SITE_MAX] = {0};        /* the chain */
static uint32_t site_count = 1;                   /* site 0 is "?" */
static uint32_t site_is_full = 0;
static site_pointer site_pointers[SITE_POINTERS] = {{0}};

/* The row of a site that is there. */
static belay_ledger_site *site_row(uint32_t site) {
    return &belay__load(&site_rows[site / SITE_SEGMENT])[site % SITE_SEGMENT];
}

const char *belay__site_text(uint32_t site) {
    if (site == 0 || site >= belay__load(&site_count)) {
        return "?";
    }
    return site_row(site)->text;
}

/* FNV-1a, 32 bit (Fowler, Noll, Vo). */
static uint32_t site_hash(const char *text, size_t length) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    }
    return hash;
}

/* Removes the folders from the file of "function folder/file:line", in place. */
static size_t site_shorten(char *text, size_t length) {
    size_t start = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ' ') {
            start = i + 1;
        }
    }
    for (size_t i = start; i < length; i++) {
        if (text[i] == '/') {
            memmove(text + start, text + i + 1, length - i - 1);
            length -= i + 1 - start;
            i = start - 1; /* the loop's step brings it back to `start` */
        }
    }
    return length;
}

/* Appends a site. Under site_lock. 0: no room. */
static uint32_t site_add(const char *text, size_t length) {
    uint32_t site = site_count;
    if (site >= SITE_MAX) {
        return 0;
    }
    if (site_rows[site / SITE_SEGMENT] == NULL) {
        belay_ledger_site *rows = belay__ledger_segment_add(BELAY_LEDGER_SITES,
                site / SITE_SEGMENT * SITE_SEGMENT, SITE_SEGMENT,
                sizeof(belay_ledger_site));
        if (rows == NULL) {
            return 0;
        }
        belay__store(&site_rows[site / SITE_SEGMENT], rows);
    }
    memcpy(site_row(site)->text, text, length);
    site_row(site)->text[length] = 0;
    belay__store(&site_count, site + 1);
    belay__store(&belay__ledger_head()->site_count, site + 1);
    return site;
}

uint32_t belay__site_intern(const char *text, size_t length) {
    char kept[sizeof(belay_ledger_site)];
    if (length >= sizeof kept) {
        /* The end tells more: the file and the line. */
        text += length - (sizeof kept - 1);
        length = sizeof kept - 1;
    }
    memcpy(kept, text, length);
    kept[length] = 0;
    if (belay__ledger_head()->flags & BELAY_LEDGER_FLAG_BASENAMES) {
        length = site_shorten(kept, length);
        kept[length] = 0;
    }
    uint32_t *bucket = &site_buckets[site_hash(kept, length) % SITE_BUCKETS];
    bool is_new_loss = false;
    belay__lock_take(&site_lock);
    uint32_t site = *bucket;
    while (site != 0 && strcmp(site_row(site)->text, kept) != 0) {
        site = site_next[site];
    }
    if (site == 0) {
        site = site_add(kept, length);
        if (site != 0) {
            site_next[site] = *bucket;
            *bucket = site;
        } else {
            is_new_loss = !site_is_full;
            site_is_full = 1;
        }
    }
    belay__lock_drop(&site_lock);
    if (is_new_loss) {
        belay__report_table_full();
    }
    return site;
}

uint32_t belay__site_of(const char *text) {
    if (text == NULL) {
        return 0;
    }
    uint64_t key = (uint64_t)(uintptr_t)text;
    site_pointer *known = &site_pointers[(key ^ (key >> 12)) % SITE_POINTERS];
    if (belay__load(&known->text) == key) {
        return belay__load_relaxed(&known->site);
    }
    uint32_t site = belay__site_intern(text, strlen(text));
    /* Only the first text of a cell is kept, so a reader never sees another's site. */
    uint64_t empty = 0;
    if (site != 0 && belay__load_relaxed(&known->text) == 0) {
        uint32_t none = 0;
        if (belay__cas(&known->site, &none, site)) {
            (void)belay__cas(&known->text, &empty, key);
        }
    }
    return site;
}

void belay__site_fork(belay__fork_step step) {
    belay__fork_lock(&site_lock, step);
}
