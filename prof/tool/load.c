/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool load_is_trace(const char *path) {
    FILE *file = fopen(path, "rb");
    uint64_t magic = 0;
    bool is_trace = file && fread(&magic, sizeof magic, 1, file) == 1 &&
                    magic == PROF_TRACE_MAGIC;

    if (file) {
        fclose(file);
    }
    return is_trace;
}

/* The trace that a process has mapped, by its list of mappings. */
static bool load_find(const char *pid, char path[PATH_MAX]) {
    char maps[64], line[PATH_MAX + 128];
    bool is_found = false;
    FILE *file;

    snprintf(maps, sizeof maps, "/proc/%.20s/maps", pid);
    file = fopen(maps, "r");
    while (file && !is_found && fgets(line, sizeof line, file)) {
        char *name = strchr(line, '/');

        if (!name || !strstr(line, " rw-s ")) {
            continue;
        }
        name[strcspn(name, "\n")] = 0;
        is_found = load_is_trace(name) && snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
    }
    if (file) {
        fclose(file);
    }
    return is_found;
}

bool prof__load_profile(const char *what, prof_profile *out_profile) {
    char path[PATH_MAX], problem[256];
    prof_snapshot snapshot;

    if (strspn(what, "0123456789") == strlen(what) && access(what, F_OK) != 0) {
        if (!load_find(what, path)) {
            fprintf(stderr,
                    "belay-prof: process %s writes no trace that can be read here; start "
                    "it "
                    "with `belay-prof run`\n",
                    what);
            return false;
        }
        what = path;
    }
    if (!prof__snapshot_load(what, &snapshot, problem, sizeof problem)) {
        fprintf(stderr, "belay-prof: %s: %s\n", what, problem);
        return false;
    }
    if (!prof__profile_build(&snapshot, out_profile)) {
        fprintf(stderr, "belay-prof: %s: out of memory\n", what);
        return false;
    }
    return true;
}
