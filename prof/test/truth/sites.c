/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "sites.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

#define FRAMELESS __attribute__((noinline, optimize("omit-frame-pointer")))
#define FRAMED __attribute__((noinline, optimize("no-omit-frame-pointer")))

/* Keeps a call from becoming a jump, and a buffer from being removed. */
static void keep(const void *p) {
    __asm__ volatile("" : : "r"(p) : "memory");
}

FRAMELESS static void *plain_inner(size_t size) {
    void *block = malloc(size);

    keep(block);
    return block;
}

FRAMELESS void *plain_alloc(size_t size) {
    void *block = plain_inner(size);

    keep(&block);
    return block;
}

FRAMED static void *pointer_inner(size_t size) {
    void *block = malloc(size);

    keep(block);
    return block;
}

FRAMED void *pointer_alloc(size_t size) {
    void *block = pointer_inner(size);

    keep(&block);
    return block;
}

FRAMELESS void *vla_alloc(size_t size, int n) {
    char room[n];
    void *block;

    memset(room, 1, (size_t)n);
    keep(room);
    block = plain_inner(size);
    keep(room);
    return block;
}

FRAMELESS void *large_alloc(size_t size) {
    char room[400000];
    void *block;

    keep(room);
    block = plain_inner(size);
    keep(room);
    return block;
}

FRAMELESS void *realigned_alloc(size_t size) {
    _Alignas(64) char room[64];
    char more[size % 100 + 1];
    void *block;

    keep(room);
    keep(more);
    block = plain_inner(size);
    keep(room);
    keep(more);
    return block;
}

FRAMELESS void *recursive_alloc(size_t size, int depth) {
    void *block = depth > 0 ? recursive_alloc(size, depth - 1) : plain_inner(size);

    keep(&block);
    return block;
}

FRAMELESS void *zeroed_alloc(size_t count, size_t size) {
    void *block = calloc(count, size);

    keep(block);
    return block;
}

FRAMELESS void *grown_alloc(size_t size, int steps) {
    void *block = NULL;

    for (int i = 1; i <= steps; i++) {
        block = realloc(block, size * (size_t)i);
        keep(block);
    }
    return block;
}

FRAMELESS void *array_alloc(size_t count, size_t size) {
    void *block = reallocarray(NULL, count, size);

    keep(block);
    return block;
}

FRAMELESS void *aligned_allocs(size_t size, void **second, void **third) {
    void *block = NULL;

    if (posix_memalign(&block, 64, size) != 0) {
        abort();
    }
    *second = aligned_alloc(32, size);
    *third = valloc(size);
    keep(block);
    return block;
}

FRAMELESS char *copied_alloc(const char *text) {
    char *copy = strdup(text);

    keep(copy);
    return copy;
}

FRAMELESS void freed_alloc(size_t size) {
    void *block = malloc(size);

    keep(block);
    free(block);
}

FRAMELESS void *after_callback_alloc(size_t size) {
    void *block;

    goMoveStack(200);
    block = plain_inner(size);
    keep(block);
    return block;
}

FRAMELESS void *nested_alloc(size_t size, int depth) {
    void *block = depth > 0 ? goNested(size, depth - 1) : plain_inner(size);

    keep(&block);
    return block;
}

typedef struct job {
    int each;
    size_t size;
    void **blocks;
} job;

FRAMELESS static void *thread_alloc(void *data) {
    job *mine = data;

    for (int i = 0; i < mine->each; i++) {
        mine->blocks[i] = plain_inner(mine->size);
    }
    return NULL;
}

FRAMELESS static void *thread_call(void *data) {
    job *mine = data;

    for (int i = 0; i < mine->each; i++) {
        goFromThread();
    }
    return NULL;
}

FRAMELESS static void *thread_free(void *data) {
    free(data);
    return NULL;
}

static void run(int threads, void *(*start)(void *), job *jobs) {
    pthread_t ids[threads];

    for (int i = 0; i < threads; i++) {
        if (pthread_create(&ids[i], NULL, start, &jobs[i]) != 0) {
            abort();
        }
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
}

void *threads_alloc(int threads, int each, size_t size, void **blocks) {
    job jobs[threads];

    for (int i = 0; i < threads; i++) {
        jobs[i] = (job){each, size, blocks + i * each};
    }
    run(threads, thread_alloc, jobs);
    return blocks;
}

void threads_call_go(int threads, int each) {
    job jobs[threads];

    for (int i = 0; i < threads; i++) {
        jobs[i] = (job){each, 0, NULL};
    }
    run(threads, thread_call, jobs);
}

void other_thread_free(void *block) {
    pthread_t id;

    if (pthread_create(&id, NULL, thread_free, block) != 0) {
        abort();
    }
    pthread_join(id, NULL);
}

FRAMELESS void *plugin_alloc(const char *path, const char *function, size_t size) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *(*alloc)(size_t);
    void *block;

    if (!library) {
        abort();
    }
    *(void **)&alloc = dlsym(library, function);
    block = alloc(size);
    dlclose(library);
    return block;
}
