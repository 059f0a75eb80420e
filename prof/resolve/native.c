/* SPDX-License-Identifier: MIT */
#include "native.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>

#include "demangle.h"

struct prof_native {
    Dwfl *dwfl;
    Dwfl_Module *module;
    char *debug_path;
    Dwfl_Callbacks callbacks;
};

prof_native *prof__native_open(const char *path, uint64_t bias) {
    prof_native *native = calloc(1, sizeof *native);

    if (!native) {
        return NULL;
    }
    native->callbacks.find_elf = dwfl_build_id_find_elf;
    native->callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
    native->callbacks.section_address = dwfl_offline_section_address;
    native->callbacks.debuginfo_path = &native->debug_path;
    native->dwfl = dwfl_begin(&native->callbacks);
    if (native->dwfl) {
        native->module = dwfl_report_elf(native->dwfl, path, path, -1, bias, true);
        dwfl_report_end(native->dwfl, NULL, NULL);
    }
    if (!native->module) {
        prof__native_close(native);
        return NULL;
    }
    return native;
}

void prof__native_close(prof_native *native) {
    if (native) {
        if (native->dwfl) {
            dwfl_end(native->dwfl);
        }
        free(native);
    }
}

static void native_receive(prof_frame frame, prof_frame_fn receive, void *data) {
    char text[PROF_DEMANGLED_BYTES];

    frame.function = prof__demangle(frame.function, text);
    receive(data, &frame);
}

static const char *native_die_name(Dwarf_Die *die) {
    Dwarf_Attribute attribute;
    const char *name =
            dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));

    return name ? name : dwarf_diename(die);
}

static int64_t native_number(Dwarf_Die *die, unsigned int what) {
    Dwarf_Attribute attribute;
    Dwarf_Word value;

    return dwarf_formudata(dwarf_attr_integrate(die, what, &attribute), &value) == 0 &&
                           value < INT32_MAX
                   ? (int64_t)value
                   : 0;
}

static const char *native_call_file(Dwarf_Die *unit, Dwarf_Die *inlined) {
    Dwarf_Files *files;
    size_t count;
    Dwarf_Word number;
    Dwarf_Attribute attribute;
    const char *file;

    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &number) != 0 ||
            dwarf_getsrcfiles(unit, &files, &count) != 0 || number >= count) {
        return "";
    }
    file = dwarf_filesrc(files, number, NULL, NULL);
    return file ? file : "";
}

/* The inlined calls at `address`, innermost first, up to and with the real function.
 * False: there is no function in the debug information there. */
static bool native_scopes(Dwarf_Die *unit, Dwarf_Addr address, prof_frame frame,
        prof_frame_fn receive, void *data) {
    Dwarf_Die *innermost = NULL, *scopes = NULL;
    const char *symbol = frame.function, *name;
    bool is_found = false;
    int count = 0;

    /* The first list follows the text of inlined functions; the second, where they went.
     */
    if (dwarf_getscopes(unit, address, &innermost) > 0) {
        count = dwarf_getscopes_die(&innermost[0], &scopes);
    }
    for (int i = 0; i < count && !is_found; i++) {
        int tag = dwarf_tag(&scopes[i]);

        if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) {
            continue;
        }
        name = native_die_name(&scopes[i]);
        is_found = tag == DW_TAG_subprogram;
        frame.function = name ? name : symbol ? symbol : "?";
        frame.start_line = native_number(&scopes[i], DW_AT_decl_line);
        frame.is_inlined = !is_found;
        native_receive(frame, receive, data);
        if (!is_found) {
            frame.file = native_call_file(unit, &scopes[i]);
            frame.line = native_number(&scopes[i], DW_AT_call_line);
        }
    }
    free(innermost);
    free(scopes);
    return is_found;
}

bool prof__native_resolve(
        prof_native *native, uint64_t address, prof_frame_fn receive, void *data) {
    Dwarf_Addr bias = 0;
    Dwarf_Die *unit = dwfl_module_addrdie(native->module, address, &bias);
    Dwfl_Line *source = dwfl_module_getsrc(native->module, address);
    const char *symbol = dwfl_module_addrname(native->module, address);
    prof_frame frame = {.function = symbol, .file = ""};
    int line = 0;

    if (source) {
        const char *file = dwfl_lineinfo(source, NULL, &line, NULL, NULL, NULL);

        frame.file = file ? file : "";
        frame.line = line;
    }
    if (unit && native_scopes(unit, address - bias, frame, receive, data)) {
        return true;
    }
    if (symbol) {
        native_receive(frame, receive, data);
    }
    return symbol != NULL;
}
