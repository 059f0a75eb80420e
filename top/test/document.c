/* SPDX-License-Identifier: MIT */
/* document.c - checks that a text is one JSON document. */
#include "document.h"

#include <stddef.h>
#include <string.h>

#define DOCUMENT_DEPTH_MAX 8

static const char *document_value(const char *at, int depth);

static const char *document_space(const char *at) {
    return at + strspn(at, " \t\r\n");
}

/* After a string; NULL: it is none. */
static const char *document_string(const char *at) {
    if (*at++ != '"') {
        return NULL;
    }
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20) {
            return NULL;
        }
        if (*at == '\\') {
            at++;
            if (*at == 'u' && strspn(at + 1, "0123456789abcdefABCDEF") < 4) {
                return NULL;
            }
            if (*at == '\0' || !strchr("\"\\/bfnrtu", *at)) {
                return NULL;
            }
        }
    }
    return at + 1;
}

static const char *document_number(const char *at) {
    at += *at == '-';
    size_t digits = strspn(at, "0123456789");
    return digits == 0 || (digits > 1 && *at == '0') ? NULL : at + digits;
}

/* The inside of an object or an array, after its bracket. */
static const char *document_members(const char *at, char bracket, int depth) {
    at = document_space(at);
    if (*at == bracket) {
        return at + 1;
    }
    for (;;) {
        if (bracket == '}') {
            at = document_string(document_space(at));
            at = at ? document_space(at) : NULL;
            if (!at || *at++ != ':') {
                return NULL;
            }
        }
        at = document_value(at, depth);
        at = at ? document_space(at) : NULL;
        if (!at || (*at != ',' && *at != bracket)) {
            return NULL;
        }
        if (*at++ == bracket) {
            return at;
        }
    }
}

static const char *document_value(const char *at, int depth) {
    static const char *const words[] = {"true", "false", "null"};
    at = document_space(at);
    if (depth == DOCUMENT_DEPTH_MAX) {
        return NULL;
    }
    if (*at == '{' || *at == '[') {
        return document_members(at + 1, *at == '{' ? '}' : ']', depth + 1);
    }
    for (size_t i = 0; i < 3; i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0) {
            return at + strlen(words[i]);
        }
    }
    return *at == '"' ? document_string(at) : document_number(at);
}

bool document_is_json(const char *text) {
    const char *end = document_value(text, 0);
    return end && *document_space(end) == '\0';
}
