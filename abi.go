// SPDX-License-Identifier: MIT

//go:build cgo

package belay

// The layouts and numbers that Go shares with the core. A test compares each of
// them with the C headers (core/src/slot.h, belay/ledger.h).

// slot is belay_ledger_row: one object.
type slot struct {
	state      uint64
	object     uint64
	sizeBytes  uint64
	openedMS   uint32
	kind       uint32
	parent     uint64
	site       uint32
	epoch      uint32 // of a closed slot: the site that closed it
	firstChild uint32
	next       uint32
	previous   uint32
	root       uint32
}

// group is belay__group: 64 slots in a row.
type group struct {
	returned uint64
	local    uint64
	orphans  uint64
	dead     uint64
	taken    uint64
	kind     uint32
	next     uint32
	owner    uint32
	seen     uint32
	reused   uint32
	place    uint32
}

// lender is belay__lender: a standing loan of one goroutine. Only that goroutine
// writes lent, and no other needs to read more than self.
type lender struct {
	self    uint64
	lent    uint64
	foreign uint64
	handle  uint64
	status  uint32
	_       [7]uint32
}

// shard is belay_ledger_shard.
type shard struct {
	opened    uint64
	gone      uint64
	moreBytes uint64
	lookAt    uint64
	counted   uint64
	_         [3]uint64
}

// counters is belay_ledger_counters.
type counters struct {
	shards [shardCount]shard
	_      [16]uint64
}

const (
	shardCount = 80 // 0 to 63 are the stripes', the rest the core's
	groupSlots = 64

	groupShared = 1
	groupExact  = 2

	stateBorrows     = 0x7fff  // not 0: in use
	stateCount       = 0x3fff  // borrows,
	stateLent        = 1 << 14 // and one more, a standing loan
	stateOverflow    = 1 << 15 // no state has it: a reference with it matches nothing
	referenceLast    = 1 << 14 // in a reference: the last generation, which is the core's to end, and lends to nobody
	stateLive        = 1 << 16
	stateClosed      = 1 << 17
	stateDying       = 1 << 18
	stateSlow        = 1 << 19
	stateKin         = 1 << 20
	stateTraced      = 1 << 21
	stateWatched     = 1 << 22
	stateNetted      = 1 << 23
	stateFlags       = 0xff << 16
	referenceRest    = stateFlags&^stateLive | referenceLast
	generationShift  = 24
	generationUnit   = 1 << generationShift
	generationMask   = ^uint64(generationUnit - 1)
	generationLast   = generationMask
	creditBytes      = 256 * 1024
	operationBytes   = 256
	identityForeign  = 2
	lenderNever      = 4096
	typeMax          = 1023
	typeNameMaxBytes = 111
)
