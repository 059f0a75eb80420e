/* SPDX-License-Identifier: MIT */
/* twins.c - stacks that differ in nothing but a frame pointer.
 *
 * Two functions of different frame size call one whose frame has no fixed size, so that
 * malloc is called with the same stack pointer from the same place. What the first left
 * on the stack still stands there when the second runs. Prints the truth (truth.awk). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SITE __attribute__((noinline, optimize("omit-frame-pointer")))

enum { SIZE = 48, ROUNDS = 100 };

static uintptr_t leaf_stack = 0;

static void keep(const void *p) {
    __asm__ volatile("" : : "r"(p) : "memory");
}

SITE static void *leaf(void) {
    void *block = malloc(SIZE);

    leaf_stack = (uintptr_t)&block;
    keep(&block);
    return block;
}

/* Uses the frame pointer as a register, and so has to save its caller's. */
SITE static void *clobber(void) {
    void *block;

    __asm__ volatile("xor %%ebp, %%ebp" : : : "rbp");
    block = leaf();
    keep(block);
    return block;
}

SITE static void *saved(size_t room_bytes) {
    char room[room_bytes];
    void *block;

    keep(room);
    block = clobber();
    keep(room);
    return block;
}

SITE static void *unsaved(size_t room_bytes) {
    char room[room_bytes];
    void *block;

    keep(room);
    block = leaf();
    keep(room);
    return block;
}

#define CALLER(name, next, bytes)                                                        \
    SITE static void *name(size_t room_bytes) {                                          \
        char frame[bytes];                                                               \
        void *block;                                                                     \
                                                                                         \
        keep(frame);                                                                     \
        block = next(room_bytes);                                                        \
        keep(frame);                                                                     \
        return block;                                                                    \
    }

CALLER(small_saved, saved, 16)
CALLER(large_saved, saved, 144)
CALLER(small_unsaved, unsaved, 16)
CALLER(large_unsaved, unsaved, 144)

typedef void *site(size_t room_bytes);

/* Calls the site with the small frame twice, then the other, and so on. */
static void run(site *const sites[2], const char *names[2], const char *inner) {
    size_t room_bytes[2] = {256, 256};
    uintptr_t stack[2];

    for (int which = 0; which < 2; which++) {
        sites[which](room_bytes[which]);
        stack[which] = leaf_stack;
    }
    room_bytes[0] += stack[0] - stack[1];
    for (int i = 0; i < ROUNDS * 3; i++) {
        int which = i % 3 == 2;

        sites[which](room_bytes[which]);
        if (leaf_stack != stack[1]) {
            printf("the stack pointers differ\n");
            exit(1);
        }
    }
    for (int which = 0; which < 2; which++) {
        int count = 1 + ROUNDS * (2 - which);

        printf("%s\t%d\t%d\t%d\t%d\tleaf %s %s\n", names[which], count, count * SIZE,
                count, count * SIZE, inner, names[which]);
    }
}

int main(void) {
    run((site *const[2]){small_saved, large_saved},
            (const char *[2]){"small_saved", "large_saved"}, "clobber saved");
    run((site *const[2]){small_unsaved, large_unsaved},
            (const char *[2]){"small_unsaved", "large_unsaved"}, "unsaved");
    return 0;
}
