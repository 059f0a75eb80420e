/* SPDX-License-Identifier: MIT */
/* app.c - a program outside the tree that uses an installed libbelay; valid C11 and
 * C++11. */
#include <belay/belay.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int destroyed = 0;

static int block_destroy(void *context, void *object) {
    (void)context;
    free(object);
    destroyed++;
    return 0;
}

static int app_fail(const char *what, belay_status status) {
    fprintf(stderr, "app: %s: %s\n", what, belay_status_text(status));
    return 1;
}

int main(void) {
    belay_type_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.name = "block";
    options.destroy = block_destroy;
    belay_type type;
    belay_status status = belay_type_create(&options, &type);
    if (status != BELAY_OK) {
        return app_fail("type_create", status);
    }
    belay_handle handle;
    status = belay_own(type, malloc(16), NULL, &handle);
    if (status != BELAY_OK) {
        return app_fail("own", status);
    }
    void *object = NULL;
    status = belay_borrow(handle, &object);
    if (status != BELAY_OK || object == NULL) {
        return app_fail("borrow", status);
    }
    status = belay_close(handle, NULL);
    if (status != BELAY_OK || destroyed != 0) {
        return app_fail("close while borrowed", status);
    }
    status = belay_return(handle);
    if (status != BELAY_OK || destroyed != 1) {
        return app_fail("the last return destroys", status);
    }
    status = belay_borrow(handle, &object);
    if (status != BELAY_CLOSED) {
        return app_fail("a stale handle is refused", status);
    }
    printf("app: ok, version %s\n", BELAY_VERSION);
    return 0;
}
