/* SPDX-License-Identifier: MIT */
/* account.h - the types of a ledger with their counters. */
#ifndef TOP_SNAPSHOT_ACCOUNT_H
#define TOP_SNAPSHOT_ACCOUNT_H

#include "snapshot/directory.h"
#include "snapshot/snapshot.h"

/* Reads the types and their counters into the snapshot. False: memory is short. */
bool top_account_read(
        top_snapshot *snapshot, const top_source *source, const top_directory *directory);

/* Adds every counter but the peaks, which need not have been at one time. */
void top_account_add(top_account *sum, const top_account *account);

#endif
