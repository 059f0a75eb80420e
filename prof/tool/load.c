/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool prof__load_is_trace(const char *path) {
    /* A pipe may have no writer; processes map devices, too, and a read may wait. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint64_t magic = 0;
    struct stat status;
    bool is_trace = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                    read(fd, &magic, sizeof magic) == sizeof magic &&
                    magic == PROF_TRACE_MAGIC;

    if (fd >= 0) {
        close(fd);
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
        is_found = prof__load_is_trace(name) &&
                   snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
    }
    if (file) {
        fclose(file);
    }
    return is_found;
}

/* True when the process writes this very file. */
static bool load_is_writer(uint64_t pid, const char *path) {
    char number[24], other[PATH_MAX];
    struct stat a, b;

    snprintf(number, sizeof number, "%" PRIu64, pid);
    return load_find(number, other) && stat(path, &a) == 0 && stat(other, &b) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A ledger on its way to labels. */
typedef struct load_ledger {
    top_source source;
    prof_objects objects;
    bool is_asked, is_used;
} load_ledger;

/* Says why the ledger is of no use. True when it was only found: go on without types. */
static bool load_without(load_ledger *ledger, const top_failure *failure) {
    ledger->is_used = false;
    fprintf(stderr, "belay-prof: %s%s\n",
            ledger->is_asked ? "" : "no types are shown: ", failure->text);
    return !ledger->is_asked;
}

/* Opens and reads the ledger asked for, or the one of the process that writes the trace.
 * False: it was asked for and can't be used. */
static bool load_open_ledger(const char *asked, const char *pid, const char *path,
        const prof_trace_header *header, load_ledger *out) {
    char number[24];
    top_failure failure;

    *out = (load_ledger){.source.fd = -1, .is_asked = asked != NULL};
    if (!asked && !pid && load_is_writer(header->pid, path)) {
        snprintf(number, sizeof number, "%" PRIu64, header->pid);
        pid = number;
    }
    if (!asked && !pid) {
        return true;
    }
    if (!top_source_open(&out->source, asked ? asked : pid, &failure)) {
        if (asked) {
            fprintf(stderr, "belay-prof: %s\n", failure.text);
        }
        return !asked; /* most programs have none */
    }
    out->is_used = prof__objects_read(&out->source, &out->objects, &failure) &&
                   prof__objects_check(&out->objects, header, !asked, &failure);
    return out->is_used || load_without(out, &failure);
}

/* Reads the ledger again, after the trace, and leaves what was open all the time. False:
 * as load_open_ledger. */
static bool load_ledger_again(load_ledger *ledger, prof_snapshot *snapshot) {
    prof_objects later;
    top_failure failure;

    if (!prof__objects_read(&ledger->source, &later, &failure)) {
        return load_without(ledger, &failure);
    }
    prof__objects_keep(&ledger->objects, &later, snapshot);
    prof__objects_free(&later);
    return true;
}

/* Why there is nothing to read of a process. */
static void load_explain(const char *pid) {
    char entry[64];

    snprintf(entry, sizeof entry, "/proc/%.20s", pid);
    if (access(entry, F_OK) != 0) {
        fprintf(stderr,
                "belay-prof: no process has the number %s; when it has ended, give the "
                "file of its trace\n",
                pid);
    } else {
        fprintf(stderr,
                "belay-prof: process %s writes no trace that can be read here; start it "
                "with `belay-prof run`\n",
                pid);
    }
}

/* Loads the trace at `path` between two looks at the ledger. */
static bool load_with(const char *path, load_ledger *ledger, prof_profile *out_profile) {
    prof_addresses addresses = {.items = NULL};
    prof_snapshot snapshot;
    char problem[256];

    if (ledger->is_used) {
        addresses = (prof_addresses){
                ledger->objects.addresses, ledger->objects.ledger.objects.count};
    }
    if (!prof__snapshot_load(path, addresses, &snapshot, problem, sizeof problem)) {
        fprintf(stderr, "belay-prof: %s: %s\n", path, problem);
        return false;
    }
    if (!load_is_writer(snapshot.header.pid, path)) {
        snapshot.taken_ns = 0; /* when the program ended is not known */
    }
    if (ledger->is_used && !load_ledger_again(ledger, &snapshot)) {
        prof__snapshot_free(&snapshot);
        return false;
    }
    if (!prof__profile_build(
                &snapshot, ledger->is_used ? &ledger->objects : NULL, out_profile)) {
        fprintf(stderr, "belay-prof: %s: out of memory\n", path);
        return false;
    }
    return true;
}

bool prof__load_profile(const char *what, bool wants_types, const char *ledger,
        prof_profile *out_profile) {
    char path[PATH_MAX], problem[256];
    const char *pid = NULL;
    prof_trace_header header;
    load_ledger found = {.source.fd = -1};
    bool is_good;

    if (*what && strspn(what, "0123456789") == strlen(what) && access(what, F_OK) != 0) {
        if (!load_find(what, path)) {
            load_explain(what);
            return false;
        }
        pid = what;
        what = path;
    }
    if (!prof__snapshot_header(what, &header, problem, sizeof problem)) {
        fprintf(stderr, "belay-prof: %s: %s\n", what, problem);
        return false;
    }
    is_good = (!wants_types || load_open_ledger(ledger, pid, what, &header, &found)) &&
              load_with(what, &found, out_profile);
    prof__objects_free(&found.objects);
    top_source_close(&found.source);
    return is_good;
}
