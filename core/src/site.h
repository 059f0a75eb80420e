/* SPDX-License-Identifier: MIT */
/* site.h - lines of source, interned as text in the ledger.
 *
 * Site 0 is "?". Sites are never forgotten; when there is room for no more, new ones are
 * site 0 and a report says so. */
#ifndef BELAY__SITE_H
#define BELAY__SITE_H

#include <stddef.h>
#include <stdint.h>

/* Interns a text; copies it. */
uint32_t belay__site_intern(const char *text, size_t length);

/* Interns a text that lives as long as the program, cheaply: the pointer is the key. */
uint32_t belay__site_of(const char *text);

/* The text of a site; "?" for one that is not there. */
const char *belay__site_text(uint32_t site);

#endif
