// SPDX-License-Identifier: MIT

package belay

import (
	"reflect"
	"strings"
	"testing"

	"belay.example/belay/internal/testc"
)

// Goal: Go and C agree on every layout and number they share. Method: compare
// with what the C compiler makes of the headers, name by name, both ways.
func TestLayoutsAgreeWithC(t *testing.T) {
	numbers := testc.Numbers()
	names := map[string]string{"sizeBytes": "size_bytes", "moreBytes": "more_bytes", "lookAt": "look_at", "openedMS": "opened_ms", "firstChild": "first_child"}
	for name, layout := range map[string]reflect.Type{
		"belay_ledger_row":      reflect.TypeFor[slot](),
		"belay__group":          reflect.TypeFor[group](),
		"belay__lender":         reflect.TypeFor[lender](),
		"belay_ledger_shard":    reflect.TypeFor[shard](),
		"belay_ledger_counters": reflect.TypeFor[counters](),
	} {
		if numbers[name] != uint64(layout.Size()) {
			t.Errorf("%s has %d bytes in C, %d in Go", name, numbers[name], layout.Size())
		}
		for i := range layout.NumField() {
			field := layout.Field(i)
			if field.Name == "_" {
				continue
			}
			c := field.Name
			if other, ok := names[c]; ok {
				c = other
			}
			if name == "belay_ledger_row" && c == "kind" {
				c = "type"
			}
			offset, ok := numbers[name+"."+c]
			if !ok || offset != uint64(field.Offset) {
				t.Errorf("%s.%s is at %d in C (known: %v), %d in Go", name, c, offset, ok, field.Offset)
			}
		}
	}
}

func TestNumbersAgreeWithC(t *testing.T) {
	numbers := testc.Numbers()
	for name, value := range map[string]uint64{
		"BELAY_LEDGER_SHARDS": shardCount, "BELAY__GROUP_SLOTS": groupSlots,
		"BELAY__GROUP_SHARED": groupShared, "BELAY__GROUP_EXACT": groupExact,
		"BELAY_STATE_BORROWS": stateBorrows, "BELAY_STATE_OVERFLOW": stateOverflow,
		"BELAY_STATE_COUNT": stateCount, "BELAY_STATE_LENT": stateLent,
		"BELAY__LENDER_NEVER": lenderNever,
		"BELAY_STATE_LIVE":    stateLive, "BELAY_STATE_CLOSED": stateClosed,
		"BELAY_STATE_DYING": stateDying, "BELAY_STATE_SLOW": stateSlow,
		"BELAY_STATE_KIN": stateKin, "BELAY_STATE_TRACED": stateTraced,
		"BELAY_STATE_WATCHED": stateWatched, "BELAY_STATE_NETTED": stateNetted,
		"BELAY_STATE_GENERATION_SHIFT": generationShift, "BELAY__GENERATION_MASK": generationMask,
		"BELAY__GENERATION_LAST << BELAY_STATE_GENERATION_SHIFT": generationLast,

		"BELAY_CREDIT_BYTES": creditBytes, "BELAY__ACCOUNT_OPERATION_BYTES": operationBytes,
		"BELAY__IDENTITY_FOREIGN": identityForeign,
		"BELAY_TYPE_MAX":          typeMax, "BELAY_TYPE_NAME_MAX": typeNameMaxBytes,
		"BELAY_GUARD_SHARED": guardShared, "BELAY_GUARD_EXCLUSIVE": guardExclusive,
		"BELAY_GUARD_DOMAIN": guardDomain, "BELAY_THREAD_ANY": threadAny,
		"BELAY_THREAD_SERIAL": threadSerial, "BELAY_THREAD_PINNED": threadPinned,
		"BELAY_THREAD_PUMPED": threadPumped, "BELAY_NET_DESTROY": netDestroy,
		"BELAY_NET_REPORT": netReport, "BELAY_CHILDREN_CASCADE": childrenCascade,
		"BELAY_CHILDREN_HOLD": childrenHold, "BELAY_ON_ERROR_GONE": uint64(Gone),
		"BELAY_ON_ERROR_KEPT": uint64(Kept), "BELAY_ON_ERROR_IGNORE": uint64(Ignore),
		"BELAY_LEVEL_OFF": uint64(LevelOff), "BELAY_LEVEL_SAMPLED": uint64(LevelSampled),
		"BELAY_LEVEL_ALL": uint64(LevelAll),
	} {
		if c, ok := numbers[name]; !ok || c != value {
			t.Errorf("%s is %d in C (known: %v), %d in Go", name, c, ok, value)
		}
	}
}

// Goal: one error a status, with the core's text; one constant a kind of
// report. Method: walk the C lists and miss none.
func TestStatusesAndReportsAgreeWithC(t *testing.T) {
	for i, sentinel := range sentinels {
		if i == 0 {
			continue
		}
		if want := "belay: " + statusText(status(i)); sentinel.Error() != want {
			t.Errorf("status %d: the error says %q, the core %q", i, sentinel, want)
		}
	}
	if statusText(status(len(sentinels)-1)) == statusText(status(len(sentinels))) {
		t.Error("the last error has no status")
	}
	statuses, reports := 0, 0
	for name := range testc.Numbers() {
		if rest, ok := strings.CutPrefix(name, "BELAY_REPORT_"); ok {
			reports++
			kind := ReportKind(testc.Numbers()[name])
			if word := strings.ToLower(strings.ReplaceAll(rest, "_", "-")); kind.String() != word {
				t.Errorf("%s is %q", name, kind)
			}
		}
	}
	if statuses = int(testc.Numbers()["BELAY_SYSTEM"]) + 1; statuses != len(sentinels) {
		t.Errorf("%d statuses, %d errors", statuses, len(sentinels))
	}
	if reports != int(ReportPanic)+1 {
		t.Errorf("%d kinds of report in C, %d here", reports, ReportPanic+1)
	}
}
