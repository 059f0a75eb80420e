/* SPDX-License-Identifier: MIT */
/* image.h - an ELF file, read by the addresses it would be mapped at.
 *
 *   open -> at/string -> close
 *
 * The file is taken as hostile; a place outside of it reads as NULL. Not thread-safe. */
#ifndef BELAY_PROF_IMAGE_H
#define BELAY_PROF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROF_IMAGE_SEGMENTS_MAX = 32 };

typedef struct prof_image_segment {
    uint64_t address, offset, bytes;
} prof_image_segment;

typedef struct prof_image {
    const uint8_t *bytes; /* the whole file, borrowed from the mapping */
    size_t size;
    prof_image_segment segments[PROF_IMAGE_SEGMENTS_MAX];
    int segment_count;
    bool has_interpreter;  /* a dynamic executable */
    char interpreter[256]; /* its path */
} prof_image;

/* Opens a 64-bit little endian ELF file. False: it is none, or can't be read. */
bool prof__image_open(const char *path, prof_image *out_image);

/* Closes; safe on a zeroed image. */
void prof__image_close(prof_image *image);

/* Peeks at `bytes` bytes at an address, NULL when the file has not all of them. */
const void *prof__image_at(const prof_image *image, uint64_t address, uint64_t bytes);

/* Peeks at a string at an address, NULL when it does not end within the file. */
const char *prof__image_string(const prof_image *image, uint64_t address);

/* True when a symbol of that name is in the dynamic symbol strings or the symbol strings.
 */
bool prof__image_mentions(const prof_image *image, const char *name);

#endif
