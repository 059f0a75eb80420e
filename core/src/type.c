/* SPDX-License-Identifier: MIT */
#include "type.h"

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "atomic.h"
#include "binding.h"
#include "end.h"
#include "fork.h"
#include "ledger.h"
#include "lock.h"
#include "report.h"
#include "start.h"

#define TYPE_SEGMENT 64u
#define TYPE_SEGMENTS ((BELAY_TYPE_MAX + 1) / TYPE_SEGMENT)

static belay__lock type_lock = BELAY__LOCK_INIT;
static belay__type *type_table[BELAY_TYPE_MAX + 1] = {0};
static belay_ledger_type *type_rows[TYPE_SEGMENTS] = {0};
static uint32_t type_count = 0;
static belay__type type_of_nothing = {.options = {.name = "?"}, .name = "?"};

int belay_destroy_free(void *context, void *object) {
    (void)context;
    free(object);
    return 0;
}

belay__type *belay__type_get(uint32_t id) {
    return id <= BELAY_TYPE_MAX ? belay__load(&type_table[id]) : NULL;
}

belay__type *belay__type_of(const belay__slot *slot) {
    belay__type *type = belay__type_get(belay__get(&slot->type));
    return type == NULL ? &type_of_nothing : type;
}

const char *belay_type_name(belay_type type) {
    const belay__type *known = belay__type_get(type.id);
    return known == NULL ? "?" : known->name;
}

uint32_t belay_type_count(void) {
    return belay__load(&type_count);
}

belay_on_error belay__type_judge(const belay__type *type, int code) {
    if (code == 0) {
        return BELAY_ON_ERROR_IGNORE;
    }
    if (type->options.on_error != BELAY_ON_ERROR_JUDGE) {
        return type->options.on_error;
    }
    belay_on_error verdict = type->options.judge(type->options.context, code);
    return verdict == BELAY_ON_ERROR_KEPT || verdict == BELAY_ON_ERROR_IGNORE
                   ? verdict
                   : BELAY_ON_ERROR_GONE;
}

static bool type_is_valid(const belay_type_options *options) {
    if (options == NULL || options->size != sizeof *options || options->name == NULL) {
        return false;
    }
    if (options->name[0] == 0 ||
            memchr(options->name, 0, BELAY_TYPE_NAME_MAX + 1) == NULL) {
        return false;
    }
    if (options->on_error == BELAY_ON_ERROR_JUDGE && options->judge == NULL) {
        return false;
    }
    return (unsigned)options->on_error < BELAY_ON_ERROR_COUNT &&
           (unsigned)options->guard < BELAY_GUARD_COUNT &&
           (unsigned)options->thread < BELAY_THREAD_COUNT &&
           (unsigned)options->net < BELAY_NET_COUNT &&
           (unsigned)options->children < BELAY_CHILDREN_COUNT;
}

/* Writes the type's row in the ledger. Under type_lock. */
static bool type_record(uint32_t id, const belay__type *type) {
    uint32_t segment = id / TYPE_SEGMENT;
    if (type_rows[segment] == NULL) {
        type_rows[segment] = belay__ledger_segment_add(BELAY_LEDGER_TYPES,
                segment * TYPE_SEGMENT, TYPE_SEGMENT, sizeof(belay_ledger_type));
    }
    if (type_rows[segment] == NULL || !belay__account_add(id, type->options.size_bytes)) {
        return false;
    }
    belay_ledger_type *row = &type_rows[segment][id % TYPE_SEGMENT];
    memcpy(row->name, type->name, sizeof row->name);
    row->size_bytes = type->options.size_bytes;
    row->guard = (uint8_t)type->options.guard;
    row->thread = (uint8_t)type->options.thread;
    row->net = (uint8_t)type->options.net;
    row->children = (uint8_t)type->options.children;
    return true;
}

belay_status belay_type_create(const belay_type_options *options, belay_type *out_type) {
    if (!type_is_valid(options) || out_type == NULL) {
        return BELAY_INVALID;
    }
    belay__start();
    belay__type *type = calloc(1, sizeof *type);
    if (type == NULL) {
        return BELAY_OUT_OF_MEMORY;
    }
    type->options = *options;
    memcpy(type->name, options->name, strlen(options->name));
    type->options.name = type->name;
    type->is_slow =
            options->guard != BELAY_GUARD_SHARED || options->thread != BELAY_THREAD_ANY;
    type->is_plain = !type->is_slow && options->net == BELAY_NET_DESTROY &&
                     options->destroy_many == NULL;

    belay_status status = BELAY_OK;
    belay__lock_take(&type_lock);
    uint32_t id = type_count + 1;
    type->id = id;
    if (id > BELAY_TYPE_MAX) {
        status = BELAY_TABLE_FULL;
    } else if (!type_record(id, type)) {
        status = BELAY_OUT_OF_MEMORY;
    } else {
        belay__store(&type_table[id], type);
        belay__store(&type_count, id);
        belay__store(&belay__ledger_head()->type_count, id);
        out_type->id = id;
    }
    belay__lock_drop(&type_lock);
    if (status != BELAY_OK) {
        free(type);
    }
    return status;
}

bool belay__type_is_pump_thread(const belay__type *type) {
    uint64_t pump = belay__load(&type->pump_thread);
    return pump == 0 || pump == belay__identity_self();
}

bool belay__type_is_pumping(const belay__type *type) {
    return belay__load(&type->pumping) == belay__identity_self();
}

void belay__type_pump_add(belay__type *type, uint32_t index) {
    belay__lock_take(&type_lock);
    belay__table_cold(index)->next = 0;
    if (type->pump_first == 0) {
        type->pump_first = index;
    } else {
        belay__table_cold(type->pump_last)->next = index;
    }
    type->pump_last = index;
    belay__lock_drop(&type_lock);
}

size_t belay_type_pump(belay_type type) {
    belay__type *known = belay__type_get(type.id);
    if (known == NULL || known->options.thread != BELAY_THREAD_PUMPED) {
        return 0;
    }
    uint64_t self = belay__identity_self();
    uint64_t nobody = 0;
    if (!belay__cas(&known->pump_thread, &nobody, self) && nobody != self) {
        belay__report(&(belay__mistake){.kind = BELAY_REPORT_WRONG_THREAD,
                .status = BELAY_WRONG_THREAD,
                .type = type.id,
                .count = 1});
        return 0;
    }
    size_t count = 0;
    uint64_t outer = belay__swap(&known->pumping, self);
    for (;;) {
        belay__lock_take(&type_lock);
        uint32_t index = known->pump_first;
        if (index != 0) {
            known->pump_first = belay__table_cold(index)->next;
        }
        belay__lock_drop(&type_lock);
        if (index == 0) {
            break;
        }
        belay__ending ending = {
                .identity = self, .wait = BELAY__GUARD_WAIT, .is_late = true};
        belay__end_claimed(index, &ending);
        count++;
    }
    belay__store(&known->pumping, outer);
    return count;
}

void belay__type_fork(belay__fork_step step) {
    belay__fork_lock(&type_lock, step);
}
