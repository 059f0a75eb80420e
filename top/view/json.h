/* SPDX-License-Identifier: MIT */
/* json.h - a listing as one JSON document; docs/guide/top.md has its fields. */
#ifndef TOP_VIEW_JSON_H
#define TOP_VIEW_JSON_H

#include <stdio.h>

#include "view/listing.h"

/* Writes the document and a line feed. source_name is where the ledger was read from. */
void top_json_print(FILE *file, const top_listing *listing, const char *source_name);

#endif
