/* SPDX-License-Identifier: MIT */
#include "belay/status.h"

#include <stddef.h>

#define STATUS_TEXT(name, text) text,

const int BELAY_LINK_VERSION = 1;

const char *belay_status_text(belay_status status) {
    static const char *const texts[] = {BELAY_STATUS_LIST(STATUS_TEXT)};
    size_t index = (size_t)status;
    return index < BELAY_STATUS_COUNT ? texts[index] : "unknown status";
}
