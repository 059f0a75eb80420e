/* SPDX-License-Identifier: MIT */
#include "flame.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../resolve/interner.h"
#include "text.h"

enum { FLAME_ROW = 17, FLAME_HEAD = 60, FLAME_WIDTH = 1200 };

typedef struct flame_node {
    const char *name;
    const char *kind; /* the class that gives the colour */
    double value;
    uint32_t child, next; /* index; 0: none (the root is nobody's child) */
} flame_node;

typedef struct flame_tree {
    flame_node *nodes;
    size_t count, room;
    size_t depth;
    prof_interner *children; /* (parent, name) -> node */
} flame_tree;

static flame_node *flame_add(flame_tree *tree, const char *name, const char *kind) {
    if (tree->count == tree->room) {
        size_t room = tree->room ? tree->room * 2 : 1024;
        flame_node *grown = reallocarray(tree->nodes, room, sizeof *grown);

        if (!grown) {
            return NULL;
        }
        tree->nodes = grown;
        tree->room = room;
    }
    tree->nodes[tree->count] = (flame_node){.name = name, .kind = kind};
    return &tree->nodes[tree->count++];
}

/* The child of `parent` with that name; 0: out of memory. */
static uint32_t flame_child(
        flame_tree *tree, uint32_t parent, const char *name, const char *kind) {
    uint32_t *number = prof__interner_pair(tree->children, parent, (uintptr_t)name);

    if (!number) {
        return 0;
    }
    if (*number == 0) {
        flame_node *node = flame_add(tree, name, kind);

        if (!node) {
            return 0;
        }
        *number = (uint32_t)tree->count;
        node->next = tree->nodes[parent].child;
        tree->nodes[parent].child = *number - 1;
    }
    return *number - 1;
}

static bool flame_insert(flame_tree *tree, const prof_profile *profile,
        const prof_sample *sample, int value) {
    uint32_t at = 0;
    size_t depth = 0;

    tree->nodes[0].value += sample->values[value];
    for (uint32_t i = sample->place_count; i-- > 0;) {
        const prof_place *place =
                &profile->places[profile->sample_places[sample->place_at + i]];

        for (uint32_t j = place->line_count; j-- > 0;) {
            const prof_function *function =
                    &profile->functions[profile->lines[place->line_at + j].function];
            const char *kind = prof__profile_is_glue(function)           ? "x"
                               : prof__profile_is_own(profile, function) ? "o"
                               : function->is_go                         ? "g"
                                                                         : "c";

            if (!(at = flame_child(tree, at, function->name, kind))) {
                return false;
            }
            tree->nodes[at].value += sample->values[value];
            depth++;
        }
    }
    tree->depth = depth > tree->depth ? depth : tree->depth;
    return true;
}

static void flame_text(FILE *out, const char *text) {
    for (; *text; text++) {
        if (*text == '<') {
            fputs("&lt;", out);
        } else if (*text == '&') {
            fputs("&amp;", out);
        } else if (*text == '>') {
            fputs("&gt;", out);
        } else {
            fputc(*text, out);
        }
    }
}

static void flame_amount(FILE *out, double amount, bool is_bytes) {
    char text[24];

    if (is_bytes) {
        fputs(prof__text_bytes(amount, text), out);
    } else {
        fprintf(out, "%.0f blocks", amount);
    }
}

/* Draws the tree depth first, with a list instead of recursion: stacks may be deep. */
static bool flame_draw(FILE *out, const flame_tree *tree, bool is_bytes) {
    typedef struct pending {
        uint32_t node, depth;
        double x;
    } pending;

    pending *list = calloc(tree->count + 1, sizeof *list);
    double total = tree->nodes[0].value;
    size_t length = 1;

    if (!list) {
        return false;
    }
    while (length > 0) {
        pending now = list[--length];
        const flame_node *node = &tree->nodes[now.node];
        double width = node->value / total, x = now.x;

        if (width < 0.1 / (double)FLAME_WIDTH) {
            continue;
        }
        fprintf(out,
                "<g class=\"%s\" data-x=\"%.7f\" data-w=\"%.7f\" data-d=\"%" PRIu32
                "\"><title>",
                node->kind, x, width, now.depth);
        flame_text(out, node->name);
        fputs(" (", out);
        flame_amount(out, node->value, is_bytes);
        fprintf(out, ", %.2f %%)</title><rect height=\"%d\"/><text>", 100 * width,
                FLAME_ROW - 1);
        flame_text(out, node->name);
        fputs("</text></g>\n", out);
        for (uint32_t child = node->child; child; child = tree->nodes[child].next) {
            list[length++] = (pending){child, now.depth + 1, x};
            x += tree->nodes[child].value / total;
        }
    }
    free(list);
    return true;
}

static const char flame_style[] =
        "<style>svg{font:12px monospace;background:#fff}rect{stroke:#fff;stroke-width:.5}"
        "text{pointer-events:none}g{cursor:pointer}"
        ".o rect{fill:#6fb3d9}.g rect{fill:#a8d5e5}.c rect{fill:#f2b37a}.x "
        "rect{fill:#ddd}"
        ".found rect{fill:#d65fd6}.up{opacity:.5}"
        "input{font:12px monospace;width:100%;box-sizing:border-box}</style>\n";

/* E: places are written with 7 digits, so that sums of two are off by less; no box is
 * narrower than 80 E. */
static const char flame_script[] =
        "<script><![CDATA[\n"
        "const W=1200,R=17,H=60,E=1e-6;\n"
        "const all=[...document.querySelectorAll('g')].map(g=>({g,\n"
        " x:+g.dataset.x,w:+g.dataset.w,d:+g.dataset.d,rect:g.querySelector('rect'),\n"
        " text:g.querySelector('text'),name:g.querySelector('text').textContent}));\n"
        "function zoom(z){for(const n of all){\n"
        " const up=n.d<z.d&&n.x<=z.x+E&&n.x+n.w>=z.x+z.w-E;\n"
        " const inside=n.d>=z.d&&n.x>=z.x-E&&n.x+n.w<=z.x+z.w+E;\n"
        " n.g.style.display=up||inside?'':'none';n.g.classList.toggle('up',up);\n"
        " if(!up&&!inside)continue;\n"
        " const x=up?0:(n.x-z.x)/z.w*W,w=up?W:n.w/z.w*W,y=H+n.d*R;\n"
        " n.rect.setAttribute('x',x);n.rect.setAttribute('y',y);\n"
        " n.rect.setAttribute('width',Math.max(w,.1));\n"
        " n.text.setAttribute('x',x+3);n.text.setAttribute('y',y+12);\n"
        " const fit=Math.floor((w-6)/7.3);\n"
        " n.text.textContent=fit<3?'':n.name.length<=fit?n.name:n.name.slice(0,fit-1)+'"
        "\\u2026';\n"
        "}}\n"
        "function find(t){let sum=0,end=-1;\n"
        " for(const n of all)n.g.classList.toggle('found',t!==''&&n.name.includes(t));\n"
        " const "
        "hits=all.filter(n=>n.g.classList.contains('found')).sort((a,b)=>a.x-b.x||b.w-a."
        "w);\n"
        " for(const n of hits)if(n.x>=end-E){sum+=n.w;end=n.x+n.w;}\n"
        " document.getElementById('sum').textContent=t?(100*sum).toFixed(2)+' % "
        "matched':'';}\n"
        "for(const n of all)n.g.addEventListener('click',()=>zoom(n));\n"
        "document.getElementById('q').addEventListener('input',e=>find(e.target.value));"
        "\n"
        "zoom(all[0]);\n"
        "]]></script>\n";

static void flame_head(FILE *out, const flame_tree *tree, const char *title) {
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\">\n%s"
            "<text x=\"3\" y=\"18\">",
            FLAME_WIDTH, FLAME_HEAD + (tree->depth + 2) * FLAME_ROW, flame_style);
    flame_text(out, title);
    fprintf(out, "</text>\n<text x=\"3\" y=\"38\">blue: Go (darker: the program's own); "
                 "orange: C; "
                 "grey: between the two</text>\n<text id=\"sum\" x=\"700\" y=\"38\"/>\n"
                 "<foreignObject x=\"850\" y=\"20\" width=\"345\" height=\"26\">"
                 "<input xmlns=\"http://www.w3.org/1999/xhtml\" id=\"q\" "
                 "placeholder=\"search\"/>"
                 "</foreignObject>\n");
}

bool prof__flame_write(
        FILE *out, const prof_profile *profile, int value, const char *title) {
    flame_tree tree = {.children = prof__interner_create()};
    bool is_good = tree.children && flame_add(&tree, "all", "x");

    for (size_t i = 0; is_good && i < profile->sample_count; i++) {
        if (profile->samples[i].values[value] > 0) {
            is_good = flame_insert(&tree, profile, &profile->samples[i], value);
        }
    }
    if (is_good) {
        flame_head(out, &tree, title);
        is_good = flame_draw(
                out, &tree, value == PROF_VALUE_BYTES || value == PROF_VALUE_LIVE_BYTES);
        fputs(flame_script, out);
        fputs("</svg>\n", out);
    }
    free(tree.nodes);
    prof__interner_destroy(tree.children);
    return is_good;
}
