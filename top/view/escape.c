/* SPDX-License-Identifier: MIT */
/* escape.c - texts of a ledger made harmless. */
#include "view/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Decodes one character of UTF-8. Returns its bytes; 0 when it is none: cut short, too
 * long a form, a surrogate, or beyond Unicode. */
static size_t escape_decode(const char *text, uint32_t *out_point) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = bytes[0] < 0x80             ? 1
                    : (bytes[0] & 0xe0) == 0xc0 ? 2
                    : (bytes[0] & 0xf0) == 0xe0 ? 3
                    : (bytes[0] & 0xf8) == 0xf0 ? 4
                                                : 0;
    *out_point = bytes[0];
    if (length <= 1) {
        return length;
    }
    uint32_t point = bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (bytes[i] & 0x3fu);
    }
    if (point < least[length] || point > 0x10ffff ||
            (point >= 0xd800 && point <= 0xdfff)) {
        return 0;
    }
    *out_point = point;
    return length;
}

/* True if a terminal shows the character as one visible sign, and nothing else happens.
 */
static bool escape_is_plain(uint32_t point) {
    return point >= 0x20 && point != '\\' && !(point >= 0x7f && point <= 0x9f) &&
           point != 0xad && point != 0x61c && !(point >= 0x200b && point <= 0x200f) &&
           !(point >= 0x2028 && point <= 0x202e) &&
           !(point >= 0x2060 && point <= 0x206f) && point != 0xfeff && point < 0xe0000;
}

/* Writes the escape of one character, or of one byte that is none. */
static int escape_write(char *out, size_t room, uint32_t point, size_t length) {
    static const char named[] = "\a\b\t\n\v\f\r\\";
    const char *name = point != 0 && point < 0x80 ? strchr(named, (int)point) : NULL;
    if (length == 1 && name) {
        return snprintf(out, room, "\\%c", "abtnvfr\\"[name - named]);
    }
    if (length <= 1) {
        return snprintf(out, room, "\\x%02x", (unsigned)point);
    }
    return snprintf(out, room, point <= 0xffff ? "\\u%04x" : "\\U%08x", (unsigned)point);
}

size_t top_escape_text(char *out_text, size_t text_bytes, const char *text) {
    size_t used = 0;
    while (*text != '\0') {
        uint32_t point;
        size_t length = escape_decode(text, &point);
        char piece[16];
        size_t piece_bytes = length;
        if (length > 0 && escape_is_plain(point)) {
            memcpy(piece, text, length);
        } else {
            piece_bytes = (size_t)escape_write(piece, sizeof piece, point, length);
        }
        if (piece_bytes >= text_bytes - used) {
            break;
        }
        memcpy(out_text + used, piece, piece_bytes);
        used += piece_bytes;
        text += length > 0 ? length : 1;
    }
    out_text[used] = '\0';
    return used;
}

size_t top_escape_width(const char *text) {
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += (*text & 0xc0) != 0x80;
    }
    return width;
}

void top_escape_json(FILE *file, const char *text) {
    fputc('"', file);
    while (*text != '\0') {
        uint32_t point;
        size_t length = escape_decode(text, &point);
        if (length == 0) {
            fputs("\\ufffd", file);
        } else if (point == '"' || point == '\\') {
            fprintf(file, "\\%c", (int)point);
        } else if (point < 0x20 || (point >= 0x7f && point <= 0x9f)) {
            fprintf(file, "\\u%04x", (unsigned)point);
        } else {
            fwrite(text, 1, length, file);
        }
        text += length > 0 ? length : 1;
    }
    fputc('"', file);
}
