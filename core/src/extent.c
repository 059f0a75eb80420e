/* SPDX-License-Identifier: MIT */
#include "extent.h"

#include <errno.h>
#include <stdbool.h>

static unsigned char *extent_address = NULL; /* of what no rows are in */
static uint64_t extent_offset = 0;
static size_t extent_left = 0;
static bool extent_is_refused = false; /* large pages are, for good */

/* Maps another extent. It has memory behind it only where it became a large page. */
static int extent_make(int fd, uint64_t *end) {
    uint64_t offset =
            (*end + BELAY__MEMORY_LARGE - 1) / BELAY__MEMORY_LARGE * BELAY__MEMORY_LARGE;
    void *address = NULL;
    int why = belay__memory_map_large(fd, offset, &address);
    if (why != 0) {
        return why;
    }
    why = belay__memory_extend(fd, offset, 1);
    if (why != 0) {
        belay__memory_release(address, BELAY__MEMORY_LARGE);
        return why;
    }
    why = belay__memory_make_large(address);
    extent_is_refused = why != 0 && why != ENOMEM && why != EBUSY && why != EAGAIN;
    extent_address = address;
    extent_offset = offset;
    extent_left = BELAY__MEMORY_LARGE;
    *end = offset + BELAY__MEMORY_LARGE;
    return 0;
}

int belay__extent_map(
        int fd, uint64_t *end, size_t bytes, uint64_t *out_offset, void **out_address) {
    int why = 0;
    if (BELAY__MEMORY_LARGE % bytes != 0) {
        return ENOTSUP;
    }
    if (extent_left == 0) {
        why = extent_is_refused ? ENOTSUP : extent_make(fd, end);
    }
    if (why == 0) {
        /* The large page may have been refused, and the file is not as long yet. */
        why = belay__memory_extend(fd, extent_offset, bytes);
    }
    if (why != 0) {
        return why;
    }
    *out_address = extent_address;
    *out_offset = extent_offset;
    extent_address += bytes;
    extent_offset += bytes;
    extent_left -= bytes;
    return 0;
}

void belay__extent_drop(void) {
    if (extent_left > 0) {
        belay__memory_release(extent_address, extent_left);
        extent_left = 0;
    }
}
