/* SPDX-License-Identifier: MIT */
#include "modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "area.h"
#include "goruntime.h"

static _Atomic int modules_lock = 0;
static _Atomic uint64_t modules_unloads = 0;

uint64_t prof__modules_unloads(void) {
    /* Relaxed: whoever runs code of a library opened after the unloading is ordered by
     * the loader's own lock. */
    return atomic_load_explicit(&modules_unloads, memory_order_relaxed);
}

void prof__modules_unloaded(void) {
    atomic_fetch_add_explicit(&modules_unloads, 1, memory_order_relaxed);
}

void prof__modules_forget(void) {
    atomic_store_explicit(&modules_lock, 0, memory_order_relaxed);
}

/* The program headers of what is mapped. */
static const ElfW(Phdr) * modules_headers(const prof_module *module, int *out_count) {
    const ElfW(Ehdr) *elf = (const ElfW(Ehdr) *)(uintptr_t)module->start;

    if (memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 ||
            elf->e_phentsize != sizeof(ElfW(Phdr)) ||
            elf->e_phoff + elf->e_phnum * sizeof(ElfW(Phdr)) > 4096) {
        *out_count = 0;
        return NULL;
    }
    *out_count = elf->e_phnum;
    return (const ElfW(Phdr) *)((uintptr_t)module->start + elf->e_phoff);
}

/* The body of the note of that owner and kind, or NULL. */
static const void *modules_note_body(const prof_module *module, const char owner[4],
        uint32_t kind, uint32_t *out_bytes) {
    int count;
    const ElfW(Phdr) *segment = modules_headers(module, &count);

    for (int i = 0; i < count; i++, segment++) {
        uint64_t at = segment->p_vaddr + module->bias, end = at + segment->p_filesz;

        if (segment->p_type != PT_NOTE || at < module->start || end > module->end) {
            continue;
        }
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)(uintptr_t)at;
            uint64_t name = at + sizeof *note;
            uint64_t body = name + ((note->n_namesz + 3ULL) & ~3ULL);

            if (note->n_type == kind && note->n_namesz == 4 &&
                    body + note->n_descsz <= end &&
                    memcmp((const void *)(uintptr_t)name, owner, 4) == 0) {
                *out_bytes = note->n_descsz;
                return (const void *)(uintptr_t)body;
            }
            at = body + ((note->n_descsz + 3ULL) & ~3ULL);
        }
    }
    return NULL;
}

static void modules_build_id(prof_module *module) {
    uint32_t bytes;
    const void *body = modules_note_body(module, "GNU", NT_GNU_BUILD_ID, &bytes);

    if (body && bytes <= sizeof module->build_id) {
        memcpy(module->build_id, body, bytes);
        module->build_id_len = bytes;
    }
}

/* Go's linker leaves a note in whatever it links: other files are not searched. */
static void modules_go(prof_module *module) {
    enum { MODULES_GO_BUILD_ID = 4 };

    uint32_t bytes;
    int count;
    const ElfW(Phdr) *headers = modules_headers(module, &count);
    const prof_gomodule *found =
            modules_note_body(module, "Go\0", MODULES_GO_BUILD_ID, &bytes)
                    ? prof__goruntime_add((prof_range){module->start, module->end},
                              headers, (uint64_t)count, module->bias)
                    : NULL;

    if (found) {
        module->go_text = found->text.start;
        module->go_etext = found->text.end;
        module->go_gofunc = found->gofunc;
        module->go_pclntab = found->pclntab;
    }
}

static void modules_path(prof_module *module, const char *name) {
    size_t room = sizeof module->path - 1, used = 0;
    ssize_t length;

    if (!name || !*name) { /* the executable has no name of its own */
        length = readlink("/proc/self/exe", module->path, room);
        module->path[length > 0 ? length : 0] = 0;
        return;
    }
    if (*name != '/' && getcwd(module->path, room)) {
        used = strlen(module->path);
        if (used + 1 < room) {
            module->path[used++] = '/';
        }
    }
    for (; *name && used < room; used++) {
        module->path[used] = *name++;
    }
    module->path[used] = 0;
}

/* The number (index + 1) of the newest module that overlaps `fresh`, when it is the same
 * file at the same place; else 0: what is known there has been unloaded. */
static uint32_t modules_known(const prof_module *fresh, const char *name, uint64_t used) {
    for (uint64_t i = used; i-- > 0;) {
        const prof_module *old = &prof__area.modules[i];

        if (old->start < fresh->end && fresh->start < old->end) {
            bool is_same = old->start == fresh->start && old->end == fresh->end &&
                           old->bias == fresh->bias;
            /* The executable has no name and is never unloaded. */
            bool is_named = name && *name == '/';

            is_same = is_same &&
                      (!is_named || strncmp(old->path, name, sizeof old->path - 1) == 0);

            return is_same ? (uint32_t)i + 1 : 0;
        }
    }
    return 0;
}

static uint32_t modules_add(const prof_module *fresh, const char *name, uint64_t used) {
    prof_module *module = &prof__area.modules[used];

    if (used >= PROF_MODULES_MAX || !prof__area_back(module, sizeof *module)) {
        prof__area_lose(PROF_LOSS_MODULES);
        return 0;
    }
    *module = *fresh;
    modules_path(module, name);
    modules_build_id(module);
    modules_go(module);
    /* Both pair with the reader's acquire loads. */
    atomic_store_explicit(&module->born, 1, memory_order_release);
    atomic_store_explicit(
            &prof__area.header->modules_used, used + 1, memory_order_release);
    return (uint32_t)used + 1;
}

static uint32_t modules_note(const struct dl_find_object *object) {
    prof_module fresh = {.start = (uintptr_t)object->dlfo_map_start,
            .end = (uintptr_t)object->dlfo_map_end,
            .bias = object->dlfo_link_map->l_addr};
    const char *name = object->dlfo_link_map->l_name;
    uint64_t used;
    uint32_t number;

    if (name && *name && *name != '/') {
        modules_path(&fresh, name);
        name = fresh.path;
    }
    /* Held for microseconds, and only when a thread meets an address for the first time.
     */
    while (atomic_exchange_explicit(&modules_lock, 1, memory_order_acquire)) {
        sched_yield();
    }
    used = atomic_load_explicit(&prof__area.header->modules_used, memory_order_relaxed);
    number = modules_known(&fresh, name, used);
    if (number == 0) {
        number = modules_add(&fresh, name, used);
    }
    atomic_store_explicit(&modules_lock, 0, memory_order_release);
    return number;
}

bool prof__modules_find(uint64_t pc, prof_module_code *out_code) {
    struct dl_find_object object;

    if (_dl_find_object((void *)(uintptr_t)pc, &object) != 0) {
        return false;
    }
    out_code->number = prof__area.header ? modules_note(&object) : 0;
    out_code->start = (uintptr_t)object.dlfo_map_start;
    out_code->end = (uintptr_t)object.dlfo_map_end;
    out_code->eh_frame_hdr = object.dlfo_eh_frame;
    return true;
}
