/* SPDX-License-Identifier: MIT */
/* main.c - belay-prof: which command is meant. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "belay/export.h"

#include "report.h"
#include "run.h"

static const char main_usage[] =
        "usage: belay-prof run [options] -- PROGRAM [ARGUMENTS]\n"
        "       belay-prof report [options] TRACE|PID\n"
        "       belay-prof --help | --version\n"
        "\n"
        "Where does the C memory of this Go program come from?\n"
        "\n"
        "run: starts PROGRAM with the profiler preloaded. The trace can be read at any "
        "moment,\n"
        "     also after the program was killed.\n"
        "  --every=BYTES   one sample each so many bytes on average (524288)\n"
        "  --all           record every allocation\n"
        "  -o FILE         the trace; %p stands for the process id "
        "(belay-prof.%p.trace)\n"
        "  --blocks=N      room for N live blocks, a power of two (4194304)\n"
        "  --mmap=BYTES    record private mappings of at least so many bytes too\n"
        "  --follow        record child processes too, each into a file of its own\n"
        "  --quiet         do not say where the trace is\n"
        "BYTES and N may end in k, M or G (KiB, MiB, GiB): powers of 1024.\n"
        "\n"
        "report: reads a trace, or that of a running process.\n"
        "  (no option)     tables by Go call site and by C function\n"
        "  --diff BEFORE   what grew since the trace BEFORE\n"
        "  --grow=SECONDS  what grows: looks twice, so many seconds apart\n"
        "  --watch[=S]     the table again each S seconds (2)\n"
        "  --pprof FILE    a profile for `go tool pprof`, names included\n"
        "  --go-heap FILE  puts the Go heap (from /debug/pprof/heap) into the same "
        "profile\n"
        "  --ledger FILE   the program's Belay ledger: which blocks are objects of which "
        "type;\n"
        "                  that of a running program is found\n"
        "  --folded FILE   one line a stack for flame graph tools\n"
        "  --svg FILE      a flame graph to open in a browser\n"
        "  --raw           one line a stack with values and lines, for scripts\n"
        "  --by=VALUE      live_bytes (default), live_count, bytes, count: for folded "
        "and svg\n"
        "  --rows=N        rows of a table (20)\n"
        "FILE may be - for the standard output.\n";

/* The exit code of a command that may not have understood its options. */
static int main_end(int code) {
    if (code == 2) {
        fputs("belay-prof: the options are in `belay-prof --help`\n", stderr);
    }
    return code;
}

static bool main_is_help(const char *argument) {
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

int main(int argc, char **argv) {
    static char run[] = "belay-prof: run", report[] = "belay-prof: report";
    bool is_run = argc >= 2 && strcmp(argv[1], "run") == 0;
    bool is_report = argc >= 2 && strcmp(argv[1], "report") == 0;

    if ((argc == 2 && main_is_help(argv[1])) ||
            (argc >= 3 && (is_run || is_report) && main_is_help(argv[2]))) {
        return fputs(main_usage, stdout) < 0 || fflush(stdout) != 0;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        return puts("belay-prof " BELAY_VERSION) < 0 || fflush(stdout) != 0;
    }
    if (is_run || is_report) {
        argv[1] = is_run ? run : report; /* how getopt's messages begin */
        return main_end(is_run ? prof__run_command(argc - 1, argv + 1)
                               : prof__report_command(argc - 1, argv + 1));
    }
    fputs(main_usage, stderr);
    return 2;
}
