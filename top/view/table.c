/* SPDX-License-Identifier: MIT */
/* table.c - columns of text. */
#include "view/table.h"

static void table_pad(FILE *file, size_t count) {
    for (size_t i = 0; i < count; i++) {
        fputc(' ', file);
    }
}

static void table_print_cell(const top_table *table, FILE *file, size_t column,
        size_t width, const char *text) {
    size_t padding = width - top_escape_width(text);
    bool is_last = column + 1 == table->column_count;
    if (column > 0) {
        fputs("  ", file);
    }
    if (!table->columns[column].is_left) {
        table_pad(file, padding);
    }
    fputs(text, file);
    if (table->columns[column].is_left && !is_last) {
        table_pad(file, padding);
    }
    if (is_last) {
        fputc('\n', file);
    }
}

void top_table_print(const top_table *table, FILE *file) {
    char text[TOP_ESCAPE_BYTES];
    size_t widths[TOP_TABLE_COLUMNS_MAX] = {0};
    for (size_t column = 0; column < table->column_count; column++) {
        if (table->has_titles) {
            widths[column] = top_escape_width(table->columns[column].title);
        }
        for (size_t row = 0; row < table->row_count; row++) {
            table->cell(table->data, row, column, text);
            size_t width = top_escape_width(text);
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
    for (size_t column = 0; table->has_titles && column < table->column_count; column++) {
        table_print_cell(
                table, file, column, widths[column], table->columns[column].title);
    }
    for (size_t row = 0; row < table->row_count; row++) {
        for (size_t column = 0; column < table->column_count; column++) {
            table->cell(table->data, row, column, text);
            table_print_cell(table, file, column, widths[column], text);
        }
    }
}
