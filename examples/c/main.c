/* SPDX-License-Identifier: MIT */
/* main.c - the core without any Go: two tables of words, one of them forgotten.
 *
 *   cc main.c $(pkg-config --cflags --libs belay) && ./a.out */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belay/belay.h>

/* A library of someone else's: a table owns its words. */
typedef struct table {
    size_t word_count;
} table;

typedef struct word {
    char text[32];
} word;

static table *table_open(void) {
    return calloc(1, sizeof(table));
}

static int table_close(table *closing) {
    if (closing->word_count > 0) {
        return 1; /* busy, as sqlite3_close says of a database with statements */
    }
    free(closing);
    return 0;
}

static word *table_add(table *into, const char *text) {
    word *new = calloc(1, sizeof *new);
    size_t length = strlen(text);
    if (new != NULL && length < sizeof new->text) {
        memcpy(new->text, text, length); /* calloc ended it with 0 */
        into->word_count++;
        return new;
    }
    free(new);
    return NULL;
}

static void table_remove(table *from, word *removed) {
    from->word_count--;
    free(removed);
}

/* A word's destructor needs its table: here the example has one, so it is the context. */
static table *main_table = NULL;

BELAY_DROP(drop_table, table, table_close(p))
BELAY_DROP(drop_word, word, (table_remove(main_table, p), 0))

static void tell(void *data, const belay_report *report) {
    (void)data;
    printf("%s\n", report->message);
}

static void check(belay_status status, const char *what) {
    if (status != BELAY_OK) {
        fprintf(stderr, "%s: %s\n", what, belay_status_text(status));
        exit(1);
    }
}

int main(void) {
    belay_report_to(tell, NULL);

    belay_type tables = {0};
    belay_type words = {0};
    check(belay_type_create(&(belay_type_options){.size = sizeof(belay_type_options),
                                    .name = "table",
                                    .destroy = drop_table,
                                    .on_error = BELAY_ON_ERROR_KEPT},
                  &tables),
            "type table");
    check(belay_type_create(&(belay_type_options){.size = sizeof(belay_type_options),
                                    .name = "word",
                                    .destroy = drop_word,
                                    .size_bytes = sizeof(word)},
                  &words),
            "type word");

    main_table = table_open();
    belay_handle database = {0};
    check(belay_own(tables, main_table,
                  &(belay_own_options){
                          .size = sizeof(belay_own_options), .site = BELAY_HERE},
                  &database),
            "own the table");
    for (int i = 0; i < 3; i++) {
        belay_handle name = {0};
        check(belay_own(words, table_add(main_table, "word"),
                      &(belay_own_options){.size = sizeof(belay_own_options),
                              .parent = database,
                              .site = BELAY_HERE},
                      &name),
                "own a word");
    }

    void *lent = NULL;
    check(belay_borrow(database, &lent), "borrow");
    printf("%zu words; closing the table while it is lent\n",
            ((table *)lent)->word_count);
    check(belay_close(database, NULL), "close");
    check(belay_return(database), "return"); /* destroys the words, then the table */

    if (belay_borrow(database, &lent) == BELAY_CLOSED) {
        printf("a stale handle is refused\n");
    }

    main_table = table_open();
    check(belay_own(tables, main_table,
                  &(belay_own_options){
                          .size = sizeof(belay_own_options), .site = BELAY_HERE},
                  &database),
            "own another table");
    belay_remains remains = {0};
    check(belay_shutdown(1000, &remains), "shutdown");

    belay_stats stats = {0};
    belay_type_stats((belay_type){0}, &stats);
    printf("opened %llu, closed %llu, left open %llu, live %llu\n",
            (unsigned long long)stats.opened, (unsigned long long)stats.closed,
            (unsigned long long)stats.leaked, (unsigned long long)stats.live);
    return stats.live == 0 ? 0 : 1;
}
