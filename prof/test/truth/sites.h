/* SPDX-License-Identifier: MIT */
/* sites.h - C functions that allocate in every way that makes a stack hard to walk. Each
 * allocates what its arguments say and nothing else. */
#ifndef TRUTH_SITES_H
#define TRUTH_SITES_H

#include <stddef.h>

void *plain_alloc(size_t size);   /* no frame pointer */
void *pointer_alloc(size_t size); /* with frame pointer */
void *vla_alloc(size_t size, int n);
void *large_alloc(size_t size); /* a frame of 400 KB */
void *realigned_alloc(size_t size);
void *recursive_alloc(size_t size, int depth);
void *zeroed_alloc(size_t count, size_t size);
void *grown_alloc(size_t size, int steps); /* realloc: size, 2*size, ... steps*size */
void *array_alloc(size_t count, size_t size);
void *aligned_allocs(size_t size, void **second, void **third);
char *copied_alloc(const char *text);
void freed_alloc(size_t size);
void *after_callback_alloc(
        size_t size); /* calls Go, which moves its stack, then allocates */
void *nested_alloc(size_t size, int depth); /* C -> Go -> C -> Go ... -> C */
void *threads_alloc(int threads, int each, size_t size, void **blocks);
void threads_call_go(int threads, int each);
void other_thread_free(void *block);
void *plugin_alloc(const char *path, const char *function, size_t size);

#endif
