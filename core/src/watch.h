/* SPDX-License-Identifier: MIT */
/* watch.h - waiting for the end of an object. */
#ifndef BELAY__WATCH_H
#define BELAY__WATCH_H

#include "binding.h"

typedef struct belay__watcher {
    struct belay__watcher *next;
    uint64_t handle;
    uint64_t thread; /* the identity that waits */
    belay_status status;
    int code;
    bool is_done;
} belay__watcher;

void belay__watch_hook(void (*ended)(uint64_t handle, uint32_t status, int code));

/* Adds a watcher that lives on the caller's stack, and sets WATCHED. False, and nothing
 * added: the object is gone, or soon is (belay__watch_flag). */
bool belay__watch_begin(belay__watcher *watcher, belay_handle handle);

/* Waits for the end; removes the watcher. False: the deadline passed. */
bool belay__watch_end(belay__watcher *watcher, uint64_t deadline_ms);

/* Sets WATCHED on a live object, for the hook. False: it is gone, or the net is at it and
 * nothing will be told: it is gone soon. */
bool belay__watch_flag(belay_handle handle);

/* An object with WATCHED ended or is open again. */
void belay__watch_tell(uint64_t handle, belay_status status, int code);

#endif
