/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <getopt.h>
#include <stdio.h>
#include "../export/text.h"
#include "load.h"
int prof__report_command(int argc, char **argv)
{
    prof_profile p;
    if (!prof__load_profile(argv[argc - 1], &p)) return 1;
    if (argc > 2) prof__text_raw(stdout, &p); else prof__text_report(stdout, &p, 20);
    prof__profile_free(&p);
    return 0;
}
