/* SPDX-License-Identifier: MIT */
/* quantity.h - bytes, durations and object names as people read them. */
#ifndef TOP_VIEW_QUANTITY_H
#define TOP_VIEW_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

#define TOP_QUANTITY_BYTES 32 /* room for any of them */

/* "512 B", "1.5 KiB", "16.0 EiB". */
void top_quantity_bytes(char out_text[TOP_QUANTITY_BYTES], uint64_t bytes);

/* "350ms", "12.3s", "5m12s", "3h05m", "2d04h". */
void top_quantity_duration(char out_text[TOP_QUANTITY_BYTES], uint64_t ms);

/* "#17.3": row 17, its third object. The name stays with the object and is never given to
 * another one. */
void top_quantity_handle(char out_text[TOP_QUANTITY_BYTES], uint64_t handle);

/* "2026-01-02 03:04:05 UTC", in the zone of TZ. */
void top_quantity_time(char out_text[TOP_QUANTITY_BYTES], uint64_t unix_ns);

#endif
