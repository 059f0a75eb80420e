/* SPDX-License-Identifier: MIT */
/* table.h - columns of text, each as wide as its widest cell.
 *
 * A table keeps no cells: it asks for each one twice, first to measure and then to print.
 */
#ifndef TOP_VIEW_TABLE_H
#define TOP_VIEW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "view/escape.h"

#define TOP_TABLE_COLUMNS_MAX 16

typedef struct top_column {
    const char *title;
    bool is_left; /* texts stand left, numbers right */
} top_column;

/* Writes the text of one cell. */
typedef void (*top_cell_fn)(
        const void *data, size_t row, size_t column, char out_text[TOP_ESCAPE_BYTES]);

typedef struct top_table {
    const top_column *columns;
    size_t column_count; /* at most TOP_TABLE_COLUMNS_MAX */
    size_t row_count;
    top_cell_fn cell;
    const void *data; /* handed to cell */
    bool has_titles;
} top_table;

void top_table_print(const top_table *table, FILE *file);

#endif
