/* SPDX-License-Identifier: MIT */
/* glue.h - what Go cannot say: destructors of the one C type that Belay calls, and
 * macros. */
#ifndef BELAY_EXAMPLE_SQLITE_GLUE_H
#define BELAY_EXAMPLE_SQLITE_GLUE_H

#include <sqlite3.h>
#include <stddef.h>

/* For belay.DestroyC. */
int drop_db(void *context, void *object);
int drop_stmt(void *context, void *object);

/* SQLITE_TRANSIENT (SQLite copies the bytes) is a cast that cgo does not read; and a Go
 * string without a length has no address, which SQLite would take for NULL. */
int bind_text(sqlite3_stmt *stmt, int i, const char *text, size_t length);
int bind_blob(sqlite3_stmt *stmt, int i, const void *bytes, size_t length);

#endif
