/* SPDX-License-Identifier: MIT */
/* ring.h - the last reports, newest first. */
#ifndef TOP_SNAPSHOT_RING_H
#define TOP_SNAPSHOT_RING_H

#include "snapshot/directory.h"
#include "snapshot/snapshot.h"

/* Reads the ring into the snapshot. Reports that were being written are left out. */
void top_ring_read(
        top_snapshot *snapshot, const top_source *source, const top_directory *directory);

#endif
