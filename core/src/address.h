/* SPDX-License-Identifier: MIT */
/* address.h - which handle owns a raw pointer, at level `all`: catches a pointer owned
 * twice. */
#ifndef BELAY__ADDRESS_H
#define BELAY__ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Records that `handle` owns the pointer. Returns 0, or the handle that owns it already
 * (nothing is recorded). Without memory the pointer goes unrecorded. */
uint64_t belay__address_record(uint64_t object, uint64_t handle);

/* True if nothing is recorded: there is nothing to forget. */
bool belay__address_is_empty(void);

/* Takes the record of a pointer away, if it is this handle's. */
void belay__address_forget(uint64_t object, uint64_t handle);

#endif
