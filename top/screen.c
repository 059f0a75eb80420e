/* SPDX-License-Identifier: MIT */
/* screen.c - a text shown on a terminal in place of the one before. */
#include "screen.h"

#include <string.h>
#include <sys/ioctl.h>

#define SCREEN_HOME "\x1b[H"
#define SCREEN_CLEAR_LINE "\x1b[K"
#define SCREEN_CLEAR_BELOW "\x1b[J"

/* Returns the bytes of the first `columns` characters of a line. */
static size_t screen_cut(const char *line, size_t length, size_t columns) {
    size_t width = 0;
    for (size_t i = 0; i < length; i++) {
        width += (line[i] & 0xc0) != 0x80;
        if (width > columns) {
            return i;
        }
    }
    return length;
}

void top_screen_show(FILE *terminal, const char *text, size_t rows, size_t columns) {
    rows = rows > 0 ? rows : 24;
    columns = columns > 0 ? columns : 80;
    fputs(SCREEN_HOME, terminal);
    /* The last row stays free, so that nothing scrolls. */
    for (size_t row = 0; row + 1 < rows && *text != '\0'; row++) {
        size_t length = strcspn(text, "\n");
        fwrite(text, 1, screen_cut(text, length, columns), terminal);
        fputs(SCREEN_CLEAR_LINE "\n", terminal);
        text += length + (text[length] == '\n');
    }
    fputs(SCREEN_CLEAR_BELOW, terminal);
    fflush(terminal);
}

void top_screen_size(FILE *terminal, size_t *out_rows, size_t *out_columns) {
    struct winsize size = {0};
    if (ioctl(fileno(terminal), TIOCGWINSZ, &size) != 0) {
        size = (struct winsize){0};
    }
    *out_rows = size.ws_row;
    *out_columns = size.ws_col;
}
