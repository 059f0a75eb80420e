/* SPDX-License-Identifier: MIT */
/* mapper.c - ten mappings of a MiB, three of them given back, and one too small to count.
 */
#include <sys/mman.h>

enum { MIB = 1 << 20, PAGE = 4096 };

__attribute__((noinline)) static void *site_mapped(unsigned long size) {
    void *block =
            mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    __asm__ volatile("" : : "r"(block) : "memory");
    return block;
}

int main(void) {
    void *blocks[10];

    for (int i = 0; i < 10; i++) {
        blocks[i] = site_mapped(MIB);
    }
    for (int i = 0; i < 3; i++) {
        munmap(blocks[i], MIB);
    }
    return site_mapped(PAGE) == MAP_FAILED;
}
