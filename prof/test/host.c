/* SPDX-License-Identifier: MIT */
/* host.c - a C program around the truth program as a shared library
 * (-buildmode=c-shared), linked with it, or loaded by dlopen when HOST_LIBRARY is defined
 * as its path. */
#ifdef HOST_LIBRARY
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    void *library = dlopen(HOST_LIBRARY, RTLD_NOW), *found;
    void (*run)(void);

    if (!library || !(found = dlsym(library, "truthMain"))) {
        fprintf(stderr, "host: %s\n", dlerror());
        return 1;
    }
    memcpy(&run, &found, sizeof run);
    run();
    return 0;
}
#else
void truthMain(void);

int main(void) {
    truthMain();
    return 0;
}
#endif
