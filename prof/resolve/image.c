/* SPDX-License-Identifier: MIT */
#include "image.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const void *image_bytes(const prof_image *image, uint64_t offset, uint64_t bytes) {
    return offset <= image->size && bytes <= image->size - offset ? image->bytes + offset
                                                                  : NULL;
}

static void image_interpreter(prof_image *image, const Elf64_Phdr *segment) {
    const void *path = image_bytes(image, segment->p_offset, segment->p_filesz);

    image->has_interpreter = true;
    if (path && segment->p_filesz < sizeof image->interpreter) {
        memcpy(image->interpreter, path, segment->p_filesz);
    }
}

static bool image_load(prof_image *image) {
    Elf64_Ehdr elf;
    Elf64_Phdr segment;

    if (image->size < sizeof elf) {
        return false;
    }
    memcpy(&elf, image->bytes, sizeof elf);
    if (memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
            elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_ident[EI_DATA] != ELFDATA2LSB ||
            elf.e_phentsize != sizeof segment) {
        return false;
    }
    for (uint64_t i = 0; i < elf.e_phnum; i++) {
        const void *from =
                image_bytes(image, elf.e_phoff + i * sizeof segment, sizeof segment);

        if (!from) {
            return false;
        }
        memcpy(&segment, from, sizeof segment);
        if (segment.p_type == PT_LOAD && image->segment_count < PROF_IMAGE_SEGMENTS_MAX &&
                image_bytes(image, segment.p_offset, segment.p_filesz)) {
            image->segments[image->segment_count++] = (prof_image_segment){
                    segment.p_vaddr, segment.p_offset, segment.p_filesz};
        } else if (segment.p_type == PT_INTERP) {
            image_interpreter(image, &segment);
        }
    }
    return true;
}

bool prof__image_open(const char *path, prof_image *out_image) {
    prof_image image = {.bytes = NULL};
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    void *bytes;

    if (fd < 0) {
        return false;
    }
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
        close(fd);
        return false;
    }
    image.size = (size_t)status.st_size;
    bytes = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED) {
        return false;
    }
    image.bytes = bytes;
    if (!image_load(&image)) {
        prof__image_close(&image);
        return false;
    }
    *out_image = image;
    return true;
}

void prof__image_close(prof_image *image) {
    if (image->bytes) {
        munmap((void *)(uintptr_t)image->bytes, image->size);
    }
    *image = (prof_image){.bytes = NULL};
}

const void *prof__image_at(const prof_image *image, uint64_t address, uint64_t bytes) {
    for (int i = 0; i < image->segment_count; i++) {
        const prof_image_segment *segment = &image->segments[i];

        if (address >= segment->address && address - segment->address <= segment->bytes &&
                bytes <= segment->bytes - (address - segment->address)) {
            return image->bytes + segment->offset + (address - segment->address);
        }
    }
    return NULL;
}

const char *prof__image_string(const prof_image *image, uint64_t address) {
    for (int i = 0; i < image->segment_count; i++) {
        const prof_image_segment *segment = &image->segments[i];

        if (address >= segment->address && address - segment->address < segment->bytes) {
            uint64_t inside = address - segment->address;
            const char *text = (const char *)image->bytes + segment->offset + inside;

            return memchr(text, 0, segment->bytes - inside) ? text : NULL;
        }
    }
    return NULL;
}

bool prof__image_mentions(const prof_image *image, const char *name) {
    Elf64_Ehdr elf;
    Elf64_Shdr section;
    size_t length = strlen(name) + 1;

    memcpy(&elf, image->bytes, sizeof elf);
    for (uint64_t i = 0; i < elf.e_shnum; i++) {
        const void *from =
                image_bytes(image, elf.e_shoff + i * sizeof section, sizeof section);
        const void *text;

        if (!from) {
            return false;
        }
        memcpy(&section, from, sizeof section);
        text = section.sh_type == SHT_STRTAB
                       ? image_bytes(image, section.sh_offset, section.sh_size)
                       : NULL;
        if (text && memmem(text, section.sh_size, name, length)) {
            return true;
        }
    }
    return false;
}
