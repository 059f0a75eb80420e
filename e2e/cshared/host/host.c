/* SPDX-License-Identifier: MIT */
/* host.c - a C program that loads the Go library named by its argument and calls into it.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: host LIBRARY\n");
        return 2;
    }
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "host: %s\n", dlerror());
        return 1;
    }
    int (*run_belay)(int) = NULL;
    void *symbol = dlsym(library, "run_belay");
    if (symbol == NULL) {
        fprintf(stderr, "host: %s\n", dlerror());
        return 1;
    }
    memcpy(&run_belay, &symbol, sizeof run_belay);
    int result = run_belay(1000);
    printf("host: run_belay gave %d\n", result);
    return result;
}
