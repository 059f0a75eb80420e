/* SPDX-License-Identifier: MIT */
/* glue.c - see glue.h. */
#include "glue.h"

int drop_db(void *context, void *object) {
    (void)context;
    return sqlite3_close(object);
}

int drop_stmt(void *context, void *object) {
    (void)context;
    return sqlite3_finalize(object);
}

int bind_text(sqlite3_stmt *stmt, int i, const char *text, size_t length) {
    return sqlite3_bind_text64(
            stmt, i, length == 0 ? "" : text, length, SQLITE_TRANSIENT, SQLITE_UTF8);
}

int bind_blob(sqlite3_stmt *stmt, int i, const void *bytes, size_t length) {
    return sqlite3_bind_blob64(
            stmt, i, length == 0 ? "" : bytes, length, SQLITE_TRANSIENT);
}
