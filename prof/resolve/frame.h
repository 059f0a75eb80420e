/* SPDX-License-Identifier: MIT */
/* frame.h - one line of a resolved stack, and who receives such lines. */
#ifndef BELAY_PROF_FRAME_H
#define BELAY_PROF_FRAME_H

#include <stdbool.h>
#include <stdint.h>

typedef struct prof_frame {
    const char *function; /* as a programmer writes it */
    const char *file;     /* "" when unknown */
    int64_t line;         /* 0 when unknown */
    int64_t start_line;   /* of the function; 0 when unknown */
    bool is_go;
    bool is_inlined; /* into the next frame that is received */
} prof_frame;

/* Called once for each frame at an address, innermost first. The strings are lent for the
 * time of the call. */
typedef void (*prof_frame_fn)(void *data, const prof_frame *frame);

#endif
