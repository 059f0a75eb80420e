/* SPDX-License-Identifier: MIT */
#include "addresses.h"

#include <stdbool.h>

/* The first one at or after `address`; `count` when there is none. */
static size_t addresses_from(const prof_addresses *addresses, uint64_t address) {
    size_t low = 0, high = addresses->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (addresses->items[middle] < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t prof__addresses_find(
        const prof_addresses *addresses, uint64_t address, uint64_t size) {
    size_t at = addresses_from(addresses, address);
    uint64_t ahead;
    bool is_alone;

    if (at == addresses->count) {
        return at;
    }
    ahead = addresses->items[at] - address;
    is_alone = at + 1 == addresses->count || addresses->items[at + 1] - address >= size;
    if (ahead == 0 || ((ahead == 8 || ahead == 16) && ahead < size && is_alone)) {
        return at;
    }
    return addresses->count;
}
