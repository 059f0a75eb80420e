/* SPDX-License-Identifier: MIT */
/* The layout is that of Go 1.20 to 1.27 (runtime/symtab.go): a moduledata begins with the
 * pointer to the program counter table and five slices into it; then come, at fixed
 * words, the bounds of the code and the base of the functions' data, which three more
 * words about types precede since Go 1.27. Everything is checked before it is used; a
 * layout that does not fit means "no Go frames", never a wrong read. */
#include "goruntime.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>

#include "arch.h"

enum {
    GO_PCLNTAB_MAGIC = 0xf1, /* 0xfffffff1, little endian, then 0 0 QUANTUM 8 */
    GO_MODULE_WORDS = 44,
    /* words of a moduledata */
    GO_NAMES = 1,
    GO_FUNCS = 13, /* pclntable */
    GO_TABLE = 16, /* ftab: pointer, length, capacity */
    GO_TEXT = 22,
    GO_ETEXT = 23,
    GO_TYPES = 37, /* Go 1.27: then the length of the descriptors, and the end */
    GO_FUNC_DATA = 40,
    GO_FUNC_DATA_1_27 = 43,
    GO_SEGMENTS_MAX = 16
};

typedef struct go_segment {
    uint64_t start, end;
    bool is_writable;
} go_segment;

typedef struct go_image {
    go_segment segments[GO_SEGMENTS_MAX];
    int count;
} go_image;

prof_goruntime prof__go = {0};

static bool goruntime_contains(const go_image *image, uint64_t at, uint64_t bytes) {
    for (int i = 0; i < image->count; i++) {
        const go_segment *segment = &image->segments[i];

        if (at >= segment->start && at <= segment->end && bytes <= segment->end - at) {
            return true;
        }
    }
    return false;
}

static void goruntime_load(
        go_image *image, const ElfW(Phdr) * header, uint64_t count, uint64_t bias) {
    for (uint64_t i = 0; i < count && image->count < GO_SEGMENTS_MAX; i++) {
        if (header[i].p_type == PT_LOAD && (header[i].p_flags & PF_R)) {
            go_segment *segment = &image->segments[image->count++];

            segment->start = header[i].p_vaddr + bias;
            segment->end = segment->start + header[i].p_filesz;
            segment->is_writable = header[i].p_flags & PF_W;
        }
    }
}

static bool goruntime_is_module(const go_image *image, const uint64_t *word) {
    static const uint8_t magic[8] = {
            GO_PCLNTAB_MAGIC, 0xff, 0xff, 0xff, 0, 0, PROF_ARCH_GO_QUANTUM, 8};

    for (int slice = GO_NAMES; slice < GO_TABLE; slice += 3) {
        if (word[slice] <= word[0] || word[slice + 1] != word[slice + 2] ||
                !goruntime_contains(image, word[slice], word[slice + 1])) {
            return false;
        }
    }
    return word[GO_TEXT] < word[GO_ETEXT] && word[GO_TABLE + 1] > 1 &&
           word[GO_TABLE + 1] < UINT32_MAX &&
           goruntime_contains(image, word[0], sizeof magic) &&
           goruntime_contains(image, word[GO_TEXT], word[GO_ETEXT] - word[GO_TEXT]) &&
           goruntime_contains(image, word[GO_TABLE], word[GO_TABLE + 1] * 8) &&
           memcmp((const void *)(uintptr_t)word[0], magic, sizeof magic) == 0;
}

static const uint64_t *goruntime_module(const go_image *image) {
    for (int i = 0; i < image->count; i++) {
        const go_segment *segment = &image->segments[i];
        uint64_t at = (segment->start + 7) & ~7ULL;

        for (; segment->is_writable && at + GO_MODULE_WORDS * 8 <= segment->end;
                at += 8) {
            const uint64_t *word = (const uint64_t *)(uintptr_t)at;

            /* Cheap first: nearly all words are no pointers. */
            if (word[1] > word[0] && word[2] == word[3] && word[5] == word[6] &&
                    goruntime_is_module(image, word)) {
                return word;
            }
        }
    }
    return NULL;
}

/* The base of the functions' data. Before Go 1.27 the end of the types follows their
 * begin, an address where since then there is a length. */
static uint64_t goruntime_func_data(const uint64_t *word) {
    const uint64_t *types = &word[GO_TYPES];
    bool has_length = types[2] > types[0] && types[1] <= types[2] - types[0];

    return word[has_length ? GO_FUNC_DATA_1_27 : GO_FUNC_DATA];
}

static void goruntime_note(prof_range range[2], uint64_t start, uint64_t end) {
    range[range[0].end != 0] = (prof_range){start, end};
}

/* Goes through the table of functions once; a program has up to some 100,000. */
static void goruntime_functions(
        const go_image *image, const uint64_t *word, prof_gomodule *module) {
    const uint32_t *table = (const uint32_t *)(uintptr_t)word[GO_TABLE];
    uint64_t count = word[GO_TABLE + 1] - 1; /* the last row is the end of the code */
    prof_range crosscall2 = {0, 0};

    for (uint64_t i = 0; i < count; i++, table += 2) {
        uint64_t start = module->text.start + table[0];
        uint64_t end = module->text.start + table[2];
        uint64_t function = word[GO_FUNCS] + table[1];
        int32_t name_at;
        const char *name;

        if (!goruntime_contains(image, function, 8)) {
            return;
        }
        memcpy(&name_at, (const char *)(uintptr_t)function + 4, sizeof name_at);
        if (name_at < 0 || (uint64_t)name_at + 32 > word[GO_NAMES + 1]) {
            continue;
        }
        name = (const char *)(uintptr_t)word[GO_NAMES] + name_at;
        if (name[8] == 'a' && strcmp(name, "runtime.asmcgocall") == 0) {
            goruntime_note(module->asmcgocall, start, end);
        } else if (name[8] == 'c' && strcmp(name, "runtime.cgocallback") == 0) {
            goruntime_note(module->cgocallback, start, end);
        } else if (name[8] == 'l' && strcmp(name, "crosscall2") == 0) {
            crosscall2 = (prof_range){start, end};
        }
    }
    module->callback_distance = prof__arch_callback_distance(module,
            (const uint8_t *)(uintptr_t)crosscall2.start,
            crosscall2.end - crosscall2.start);
}

const prof_gomodule *prof__goruntime_add(
        prof_range range, const ElfW(Phdr) * headers, uint64_t count, uint64_t bias) {
    int known = atomic_load_explicit(&prof__go.count, memory_order_relaxed);
    prof_gomodule *module = &prof__go.modules[known];
    go_image image = {.count = 0};
    const uint64_t *word;

    for (int i = 0; i < known; i++) {
        if (prof__goruntime_within(range, prof__go.modules[i].text.start)) {
            return &prof__go.modules[i];
        }
    }
    goruntime_load(&image, headers, count, bias);
    word = known < PROF_GO_MODULES_MAX ? goruntime_module(&image) : NULL;
    if (!word) {
        return NULL;
    }
    module->text = (prof_range){word[GO_TEXT], word[GO_ETEXT]};
    module->gofunc = goruntime_func_data(word);
    module->pclntab = word[0];
    goruntime_functions(&image, word, module);
    /* Pairs with the acquire of whoever asks for code. */
    atomic_store_explicit(&prof__go.count, known + 1, memory_order_release);
    return module;
}

bool prof__goruntime_find(void) {
    const ElfW(Phdr) *header = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    uint64_t count = header ? getauxval(AT_PHNUM) : 0, bias = 0;
    prof_range range = {UINT64_MAX, 0};

    for (uint64_t i = 0; i < count; i++) {
        if (header[i].p_type == PT_PHDR) {
            bias = (uintptr_t)header - header[i].p_vaddr;
        }
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t start = header[i].p_vaddr + bias, end = start + header[i].p_memsz;

        if (header[i].p_type == PT_LOAD) {
            range.start = start < range.start ? start : range.start;
            range.end = end > range.end ? end : range.end;
        }
    }
    return prof__goruntime_add(range, header, count, bias) != NULL;
}

void prof__goruntime_rule(uint64_t pc, prof_rule *out_rule) {
    const prof_gomodule *module = prof__goruntime_at(pc);

    out_rule->cfa = PROF_CFA_NONE;
    if (module && (prof__goruntime_within(module->asmcgocall[0], pc) ||
                          prof__goruntime_within(module->asmcgocall[1], pc))) {
        prof__arch_cross((const uint8_t *)(uintptr_t)pc, out_rule);
    }
}
