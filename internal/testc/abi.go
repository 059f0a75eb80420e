// SPDX-License-Identifier: MIT

package testc

/*
#cgo CFLAGS: -I${SRCDIR}/../../core/include -I${SRCDIR}/../../core/src
#include <stddef.h>

#include "belay/belay.h"
#include "belay/ledger.h"
#include "account.h"
#include "binding.h"

typedef struct number {
    const char *name;
    uint64_t value;
} number;

#define FIELD(type, field) {#type "." #field, offsetof(type, field)}
#define SIZE(type) {#type, sizeof(type)}
#define VALUE(name) {#name, (uint64_t)(name)}
#define WORD(name, word, text) VALUE(BELAY_##name),
#define STATUS(name, text) VALUE(BELAY_##name),

static const number numbers[] = {
        SIZE(belay_ledger_row), FIELD(belay_ledger_row, state),
        FIELD(belay_ledger_row, object), FIELD(belay_ledger_row, size_bytes),
        FIELD(belay_ledger_row, opened_ms), FIELD(belay_ledger_row, type),
        FIELD(belay_ledger_row, parent), FIELD(belay_ledger_row, site),
        FIELD(belay_ledger_row, epoch), FIELD(belay_ledger_row, first_child),
        FIELD(belay_ledger_row, next), FIELD(belay_ledger_row, previous),
        FIELD(belay_ledger_row, root),
        SIZE(belay__group), FIELD(belay__group, returned), FIELD(belay__group, local),
        FIELD(belay__group, orphans), FIELD(belay__group, dead), FIELD(belay__group, taken),
        FIELD(belay__group, kind), FIELD(belay__group, next), FIELD(belay__group, owner),
        FIELD(belay__group, seen), FIELD(belay__group, reused), FIELD(belay__group, place),
        SIZE(belay__lender), FIELD(belay__lender, self), FIELD(belay__lender, lent),
        FIELD(belay__lender, foreign), FIELD(belay__lender, handle), FIELD(belay__lender, status),
        VALUE(BELAY_STATE_COUNT), VALUE(BELAY_STATE_LENT), VALUE(BELAY__LENDER_NEVER),
        SIZE(belay_ledger_shard), FIELD(belay_ledger_shard, opened),
        FIELD(belay_ledger_shard, gone), FIELD(belay_ledger_shard, more_bytes),
        FIELD(belay_ledger_shard, look_at), FIELD(belay_ledger_shard, counted),
        SIZE(belay_ledger_counters), FIELD(belay_ledger_counters, shards),
        VALUE(BELAY_LEDGER_SHARDS), VALUE(BELAY__GROUP_SLOTS), VALUE(BELAY__GROUP_SHARED),
        VALUE(BELAY__GROUP_EXACT), VALUE(BELAY_STATE_BORROWS), VALUE(BELAY_STATE_OVERFLOW),
        VALUE(BELAY_STATE_LIVE), VALUE(BELAY_STATE_CLOSED), VALUE(BELAY_STATE_DYING),
        VALUE(BELAY_STATE_SLOW), VALUE(BELAY_STATE_KIN), VALUE(BELAY_STATE_TRACED),
        VALUE(BELAY_STATE_WATCHED), VALUE(BELAY_STATE_NETTED),
        VALUE(BELAY_STATE_GENERATION_SHIFT), VALUE(BELAY__GENERATION_MASK),
        VALUE(BELAY__GENERATION_LAST << BELAY_STATE_GENERATION_SHIFT),
        VALUE(BELAY_CREDIT_BYTES), VALUE(BELAY__ACCOUNT_OPERATION_BYTES),
        VALUE(BELAY__IDENTITY_FOREIGN), VALUE(BELAY_TYPE_MAX),
        VALUE(BELAY_TYPE_NAME_MAX), VALUE(BELAY_GUARD_SHARED), VALUE(BELAY_GUARD_EXCLUSIVE),
        VALUE(BELAY_GUARD_DOMAIN), VALUE(BELAY_THREAD_ANY), VALUE(BELAY_THREAD_SERIAL),
        VALUE(BELAY_THREAD_PINNED), VALUE(BELAY_THREAD_PUMPED), VALUE(BELAY_NET_DESTROY),
        VALUE(BELAY_NET_REPORT), VALUE(BELAY_CHILDREN_CASCADE), VALUE(BELAY_CHILDREN_HOLD),
        VALUE(BELAY_ON_ERROR_GONE), VALUE(BELAY_ON_ERROR_KEPT), VALUE(BELAY_ON_ERROR_IGNORE),
        VALUE(BELAY_LEVEL_OFF), VALUE(BELAY_LEVEL_SAMPLED), VALUE(BELAY_LEVEL_ALL),
        BELAY_STATUS_LIST(STATUS)
#define REPORT(name, word, text) VALUE(BELAY_REPORT_##name),
        BELAY_REPORT_LIST(REPORT)
};

static size_t numbers_count(void) {
    return sizeof numbers / sizeof numbers[0];
}

static number numbers_at(size_t i) {
    return numbers[i];
}
*/
import "C"

// Numbers are the sizes, offsets and constants of the core's headers by their
// name in C, such as "belay_ledger_row.state" and "BELAY_STATE_LIVE".
func Numbers() map[string]uint64 {
	all := map[string]uint64{}
	for i := range C.numbers_count() {
		n := C.numbers_at(i)
		all[C.GoString(n.name)] = uint64(n.value)
	}
	return all
}
