/* SPDX-License-Identifier: MIT */
#include "objects.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How far two readings of the wall clock may be apart that should be in order. */
#define OBJECTS_CLOCK_SLACK_S 2.0

/* By pointer. Of those at one pointer the ones without a parent come first. */
static int objects_compare(const void *a, const void *b) {
    const top_object *x = a, *y = b;

    if (x->pointer != y->pointer) {
        return x->pointer < y->pointer ? -1 : 1;
    }
    if ((x->parent != 0) != (y->parent != 0)) {
        return x->parent != 0 ? 1 : -1;
    }
    return (x->handle > y->handle) - (x->handle < y->handle);
}

/* Leaves what has memory of its own for certain: an object that is being destroyed may
 * have lost it already. Of two at one pointer the outer one is left: a struct, not its
 * first member. */
static bool objects_order(prof_objects *objects) {
    top_objects *list = &objects->ledger.objects;
    uint32_t kept = 0;

    if (list->count > 0) {
        qsort(list->items, list->count, sizeof *list->items, objects_compare);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        top_object *object = &list->items[i], *last = &list->items[kept - (kept > 0)];

        if (object->bits & BELAY_STATE_DYING) {
            continue;
        }
        if (kept == 0 || last->pointer != object->pointer) {
            list->items[kept++] = *object;
        } else if (last->parent == object->handle) {
            *last = *object;
        }
    }
    list->count = kept;
    objects->addresses = calloc(kept + (size_t)1, sizeof *objects->addresses);
    for (uint32_t i = 0; objects->addresses && i < kept; i++) {
        objects->addresses[i] = list->items[i].pointer;
    }
    return objects->addresses != NULL;
}

bool prof__objects_read(
        const top_source *source, prof_objects *out, top_failure *out_failure) {
    prof_objects objects = {.addresses = NULL};
    const top_notes *notes = &objects.ledger.notes;
    const char *damage = "parts of it can't be read";

    if (!top_snapshot_take(&objects.ledger, source, out_failure)) {
        return false;
    }
    for (uint32_t i = notes->count; i-- > 0;) {
        damage = notes->items[i].kind == TOP_NOTE_DAMAGE ? notes->items[i].text : damage;
    }
    if (notes->damage > 0) {
        top_failure_set(out_failure,
                "%s: the ledger is damaged: %s; report without it, or look at it with "
                "belay-top",
                source->name, damage);
        prof__objects_free(&objects);
        return false;
    }
    if (!objects_order(&objects)) {
        top_failure_set(out_failure, "%s: out of memory", source->name);
        prof__objects_free(&objects);
        return false;
    }
    snprintf(objects.name, sizeof objects.name, "%.255s", source->name);
    *out = objects;
    return true;
}

static double objects_clock_s(clockid_t clock) {
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* When the process began, by the wall clock. A suspended machine makes the ledger's own
 * clocks say too late, and a wall clock set meanwhile ours: the earlier is taken, so that
 * a process is not turned away that is the right one. After a reboot there is the former
 * only. */
static double objects_process_start_s(const belay_ledger_header *header) {
    double ticks_s = (double)header->start_ticks / (double)sysconf(_SC_CLK_TCK);
    double boot_s = ((double)header->start_unix_ns - (double)header->start_mono_ns) / 1e9;
    char boot_id[TOP_BOOT_ID_BYTES];

    top_process_boot_id(boot_id);
    if (strncmp(boot_id, header->boot_id, sizeof boot_id) == 0) {
        boot_s = fmin(boot_s,
                objects_clock_s(CLOCK_REALTIME) - objects_clock_s(CLOCK_BOOTTIME));
    }
    return boot_s + ticks_s;
}

bool prof__objects_check(const prof_objects *objects, const prof_trace_header *trace,
        bool is_found, top_failure *out_failure) {
    static const char advice[] = "give the ledger that the traced process wrote";
    const belay_ledger_header *ledger = &objects->ledger.header;
    double traced_s = (double)trace->start_ns / 1e9;
    double late_s = objects_process_start_s(ledger) - traced_s;
    double early_s = traced_s - (double)ledger->start_unix_ns / 1e9;

    if (ledger->pid != trace->pid) {
        return top_failure_set(out_failure,
                "%s: the ledger of process %" PRIu32 ", and the trace is of process "
                "%" PRIu64 "; %s",
                objects->name, ledger->pid, trace->pid, advice);
    }
    if (is_found) {
        return top_life_is_running(objects->ledger.life) ||
               top_failure_set(out_failure,
                       "%s: a ledger that process %" PRIu32 " holds but did not write; "
                       "%s with --ledger",
                       objects->name, ledger->pid, advice);
    }
    if (late_s > OBJECTS_CLOCK_SLACK_S) {
        return top_failure_set(out_failure,
                "%s: the ledger of a later process with the same pid %" PRIu32
                ", which began %.0f s after the trace; %s",
                objects->name, ledger->pid, late_s, advice);
    }
    /* A preloaded recorder begins before anything else in the process. */
    if (!(trace->flags & PROF_FLAG_LINKED) && early_s > OBJECTS_CLOCK_SLACK_S) {
        return top_failure_set(out_failure,
                "%s: the ledger of an earlier process with the same pid %" PRIu32
                ", made %.0f s before the trace began; %s",
                objects->name, ledger->pid, early_s, advice);
    }
    return true;
}

void prof__objects_keep(
        const prof_objects *objects, const prof_objects *later, prof_snapshot *snapshot) {
    const top_objects *before = &objects->ledger.objects, *after = &later->ledger.objects;
    uint32_t j = 0;

    for (uint32_t i = 0; i < before->count && i < snapshot->block_count; i++) {
        const top_object *object = &before->items[i];

        while (j < after->count && after->items[j].pointer < object->pointer) {
            j++;
        }
        if (j == after->count || after->items[j].pointer != object->pointer ||
                after->items[j].handle != object->handle ||
                after->items[j].type != object->type) {
            snapshot->blocks[i].stack = 0;
        }
    }
}

static int objects_compare_labels(const void *a, const void *b) {
    const prof_objects_label *x = a, *y = b;

    if (x->stack != y->stack) {
        return x->stack < y->stack ? -1 : 1;
    }
    return (x->type > y->type) - (x->type < y->type);
}

prof_objects_label *prof__objects_label(
        const prof_objects *objects, const prof_snapshot *snapshot, size_t *out_count) {
    const top_objects *list = &objects->ledger.objects;
    prof_objects_label *labels = calloc(list->count + (size_t)1, sizeof *labels);
    size_t count = 0, sums = 0;

    for (uint32_t i = 0; labels && i < list->count && i < snapshot->block_count; i++) {
        const prof_snapshot_block *block = &snapshot->blocks[i];

        if (block->stack) {
            labels[count++] = (prof_objects_label){block->stack - 1, list->items[i].type,
                    block->count, block->bytes, list->items[i].age_ms};
        }
    }
    if (count > 0) {
        qsort(labels, count, sizeof *labels, objects_compare_labels);
    }
    for (size_t i = 0; i < count; i++) {
        prof_objects_label *sum = sums ? &labels[sums - 1] : NULL;

        if (!sum || objects_compare_labels(sum, &labels[i]) != 0) {
            labels[sums++] = labels[i];
            continue;
        }
        sum->count += labels[i].count;
        sum->bytes += labels[i].bytes;
        sum->oldest_ms = labels[i].oldest_ms > sum->oldest_ms ? labels[i].oldest_ms
                                                              : sum->oldest_ms;
    }
    *out_count = sums;
    return labels;
}

void prof__objects_free(prof_objects *objects) {
    top_snapshot_fini(&objects->ledger);
    free(objects->addresses);
    *objects = (prof_objects){.addresses = NULL};
}
