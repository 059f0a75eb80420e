/* SPDX-License-Identifier: MIT */
#include "folded.h"

static void folded_name(FILE *out, const char *name) {
    for (; *name; name++) {
        fputc(*name == ';' ? ':' : *name, out);
    }
}

void prof__folded_write(FILE *out, const prof_profile *profile, int value) {
    for (size_t s = 0; s < profile->sample_count; s++) {
        const prof_sample *sample = &profile->samples[s];

        if (sample->values[value] < 0.5) {
            continue;
        }
        if (sample->place_count == 0) {
            fprintf(out, "(stack not recorded)");
        }
        for (uint32_t i = sample->place_count; i-- > 0;) {
            const prof_place *place =
                    &profile->places[profile->sample_places[sample->place_at + i]];

            for (uint32_t j = place->line_count; j-- > 0;) {
                const prof_line *line = &profile->lines[place->line_at + j];

                folded_name(out, profile->functions[line->function].name);
                if (i || j) {
                    fputc(';', out);
                }
            }
        }
        fprintf(out, " %.0f\n", sample->values[value]);
    }
}
