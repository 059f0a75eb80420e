/* SPDX-License-Identifier: MIT */
/* document.h - checks that a text is one JSON document (RFC 8259). */
#ifndef TOP_TEST_DOCUMENT_H
#define TOP_TEST_DOCUMENT_H

#include <stdbool.h>

/* True if the text is one value with nothing but white space around it. */
bool document_is_json(const char *text);

#endif
