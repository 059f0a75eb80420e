/* SPDX-License-Identifier: MIT */
/* Design: three kinds of step, and a memory of walks.
 *
 * C frames go by .eh_frame rules, cached by address (C compilers use the frame pointer as
 * a scratch register, cgo's own wrappers do). runtime.asmcgocall is crossed by the two
 * words it leaves on the system stack, g and the depth of the goroutine's stack: the
 * frame pointer does not do, because a callback may have moved the goroutine's stack
 * meanwhile. Go frames go by frame pointers within g's bounds. A callback leads from
 * cgocallback's frame back to the system stack, where crosscall2 has saved C's registers.
 * What of this is the processor's own is in arch/.
 *
 * Each thread remembers walks with all their reads (memo.h); this file holds what is done
 * when none of them fits. A walk is remembered the second time that it starts from the
 * same registers: most of those that never come back cost no notes. */
#include "walk.h"

#include <string.h>

#include "area.h"
#include "goruntime.h"
#include "modules.h"
#include "stacks.h"

typedef struct walk {
    prof_thread *thread;
    prof_memo *memo;
    prof_memo_writer writer;
    bool is_noting; /* the words that are read go into the memo */
    uint64_t pc, sp, bp;
    uint64_t low, high; /* bounds of the stack being walked */
    uint64_t hash;      /* of the frames so far and their modules */
    uint32_t count;     /* frames so far */
    uint32_t flags;
    bool is_bp_initial; /* bp is still the register of the origin */
    uint64_t bp_at; /* where bp was saved, as long as nothing depended on it; else 0 */
} walk;

static bool walk_may_read(const walk *w, uint64_t address, uint64_t bytes) {
    return address >= w->low && address < w->high && w->high - address >= bytes &&
           address != 0 && !(address & 7);
}

static bool walk_read(walk *w, uint64_t address, uint64_t *out) {
    if (!walk_may_read(w, address, sizeof *out)) {
        return false;
    }
    *out = prof__memo_word(address);
    if (w->is_noting) {
        prof__memo_note(&w->writer, address, *out);
    }
    return true;
}

/* Two words that were not written just now: see memo.h. The caller knows that they can be
 * read. */
static void walk_read_pair(walk *w, uint64_t address, uint64_t out[2]) {
    out[0] = prof__memo_word(address);
    out[1] = prof__memo_word(address + sizeof *out);
    if (w->is_noting) {
        prof__memo_note_pair(&w->writer, address, out);
    }
}

/* Adds the frame at w->pc, which is in the module of that number (0: Go, or unknown). */
static bool walk_push(walk *w, uint32_t module) {
    if (w->count == PROF_FRAMES_MAX) {
        w->flags |= PROF_STACK_DEEP;
        return false;
    }
    w->thread->frames[w->count++] = w->pc;
    w->hash = (w->hash ^ (w->pc + ((uint64_t)module << 48))) * 0x9E3779B97F4A7C15ULL;
    w->hash ^= w->hash >> 29;
    return true;
}

static void walk_find_rule(uint64_t pc, prof_cached_rule *out) {
    prof_module_code code;
    /* A return address may lie behind its function: the call itself does not. First of
     * all, because the first sight of a module is when its Go code is found. */
    bool is_known = prof__modules_find(pc - 1, &code);

    out->module = 0;
    out->rule.cfa = PROF_CFA_NONE;
    if (prof__goruntime_has(pc - 1)) {
        prof__goruntime_rule(pc, &out->rule);
    } else if (is_known) {
        out->module = code.number;
        prof__cfi_find(pc - 1, code.eh_frame_hdr, code.end, &out->rule);
    }
}

static const prof_cached_rule *walk_rule(walk *w, uint64_t pc) {
    prof_cached_rule *cached = &w->thread->rules[(pc * 0x9E3779B97F4A7C15ULL) >> 52];

    _Static_assert(PROF_RULES == 1 << 12, "the index is the top 12 bits");
    if (cached->pc != pc) {
        walk_find_rule(pc, cached);
        cached->pc = pc;
    }
    return cached;
}

/* The frame pointer, on which the walk depends from here on. Most saved ones are just
 * registers, with other values at each call: they must not tell walks apart. */
static uint64_t walk_bp(walk *w) {
    w->memo->uses_bp |= w->is_bp_initial;
    if (w->bp_at) {
        walk_read(w, w->bp_at, &w->bp); /* the bounds were looked at before */
        w->bp_at = 0;
    }
    return w->bp;
}

/* One C frame up. False: the walk is over. */
static bool walk_c_step(walk *w, const prof_rule *rule) {
    uint64_t cfa = 0, saved_at = 0;
    bool is_good = true;

    switch (rule->cfa) {
    case PROF_CFA_SP:
        cfa = w->sp + (uint64_t)(int64_t)rule->offset;
        break;
    case PROF_CFA_BP:
        cfa = walk_bp(w) + (uint64_t)(int64_t)rule->offset;
        break;
    case PROF_CFA_BP_DEREF:
        is_good = walk_read(w, walk_bp(w) + (uint64_t)(int64_t)rule->offset, &cfa);
        break;
    default:
        w->flags |= rule->cfa == PROF_CFA_END ? 0u : (uint32_t)PROF_STACK_BROKEN;
        return false;
    }
    if (rule->saved_bp != PROF_BP_SAME) {
        saved_at = rule->saved_bp == PROF_BP_AT_CFA ? cfa : walk_bp(w);
        saved_at += (uint64_t)(int64_t)rule->bp_offset;
        is_good = is_good && walk_may_read(w, saved_at, sizeof w->bp);
    }
    if (!is_good || cfa <= w->sp ||
            !walk_read(w, prof__arch_return_at(rule, cfa), &w->pc)) {
        w->flags |= PROF_STACK_BROKEN;
        return false;
    }
    w->pc = prof__arch_return_address(w->pc);
    w->sp = cfa;
    if (saved_at) {
        w->bp_at = saved_at;
        w->is_bp_initial = false;
    }
    return w->pc != 0;
}

/* From the C function that asmcgocall called to Go's frame pointer. */
static bool walk_cross(walk *w, const prof_rule *rule) {
    uint64_t g, depth, bounds[2];

    if (rule->cfa == PROF_CFA_SYSTEM) {
        bool is_good = walk_read(w, w->sp + (uint64_t)(int64_t)rule->offset, &w->bp);

        w->bp -= PROF_ARCH_GO_FRAME_BELOW;
        return is_good;
    }
    /* The first two words of a g are the bounds of its stack; a g is never freed. */
    if (!walk_read(w, w->sp + (uint64_t)(int64_t)rule->offset, &g) ||
            !walk_read(w, w->sp + (uint64_t)(int64_t)rule->bp_offset, &depth) || g == 0 ||
            (g & 7)) {
        return false;
    }
    walk_read_pair(w, g, bounds);
    if (bounds[0] >= bounds[1] || depth > bounds[1] - bounds[0]) {
        return false;
    }
    w->low = bounds[0];
    w->high = bounds[1];
    w->bp = w->high - depth - PROF_ARCH_GO_FRAME_BELOW;
    return true;
}

/* The Go code that returns to w->pc, or NULL. The rule is asked for because that is how
 * a module, here a plugin, is seen for the first time. */
static const prof_gomodule *walk_go_module(walk *w) {
    const prof_gomodule *module = prof__goruntime_at(w->pc - 1);

    if (!module) {
        (void)walk_rule(w, w->pc);
        module = prof__goruntime_at(w->pc - 1);
    }
    return module;
}

/* Go frames up to the goroutine's end, or to the C code that called back into Go. Returns
 * true when C frames follow. */
static bool walk_go(walk *w, uint64_t system_low) {
    uint64_t frame = w->bp, next;
    const prof_gomodule *callback = NULL; /* whose cgocallback `frame` is */

    for (;;) {
        uint64_t saved[2]; /* frame pointer, return address */
        const prof_gomodule *module;

        if (!walk_may_read(w, frame, sizeof saved)) {
            return false; /* the runtime's own system goroutines end so */
        }
        walk_read_pair(w, frame, saved);
        if (PROF_ARCH_SAVES_TWICE && saved[0] == frame + 8) { /* crosscall2 */
            frame += 8;
            if (!walk_may_read(w, frame, sizeof saved)) {
                return false;
            }
            walk_read_pair(w, frame, saved);
        }
        next = prof__arch_next_frame(frame, saved[0], callback);
        w->pc = saved[1];
        module = walk_go_module(w);
        if (!module) {
            w->sp = frame + 16;
            w->bp = next;
            return walk_rule(w, w->pc)->rule.cfa != PROF_CFA_NONE;
        }
        if (!walk_push(w, 0)) {
            return false;
        }
        callback = prof__goruntime_calls_back(module, w->pc) ? module : NULL;
        if (callback) {
            w->low = system_low;
            w->high = w->thread->stack_high;
        } else if (next <= frame) {
            return false; /* 0: the goroutine's first function */
        }
        frame = next;
    }
}

static void walk_run(walk *w) {
    uint64_t system_low = w->sp;

    w->low = system_low;
    w->high = w->thread->stack_high;
    if (w->sp >= w->high || w->high - w->sp > 1ULL << 30) {
        w->flags |= PROF_STACK_OFF;
        walk_push(w, walk_rule(w, w->pc)->module);
        return;
    }
    for (;;) {
        const prof_cached_rule *cached = walk_rule(w, w->pc);
        const prof_rule *rule = &cached->rule;

        if (!walk_push(w, cached->module)) {
            return;
        }
        if (rule->cfa == PROF_CFA_CROSS || rule->cfa == PROF_CFA_SYSTEM) {
            w->is_bp_initial = false;
            w->bp_at = 0;
            if (!walk_cross(w, rule)) {
                w->flags |= PROF_STACK_BROKEN;
                return;
            }
            if (!walk_go(w, system_low)) {
                return;
            }
        } else if (!walk_c_step(w, rule)) {
            return;
        }
    }
}

void prof__walk_afresh(prof_thread *thread, prof_memo *memo, const prof_origin *origin) {
    prof_lane_slot *slot = &thread->lane->slots[memo - thread->memos];
    uint64_t unloads = prof__modules_unloads();
    walk w = {.thread = thread,
            .memo = memo,
            .is_noting = memo->group_count == 0 && memo->pc == origin->pc &&
                         memo->sp == origin->sp,
            .pc = prof__arch_return_address(origin->pc),
            .sp = origin->sp,
            .bp = origin->bp,
            .is_bp_initial = true};

    if (thread->rules_unloads != unloads) {
        memset(thread->rules, 0, sizeof thread->rules);
        thread->rules_unloads = unloads;
    }
    prof__memo_begin(&w.writer, memo);
    walk_run(&w);
    prof__memo_end(&w.writer);
    memo->pc = origin->pc;
    memo->sp = origin->sp;
    memo->bp = origin->bp;
    memo->unloads = unloads;
    memo->slot = slot;
    memo->stack = prof__stacks_intern(w.hash, thread->frames, w.count, w.flags);
    if (slot->stack != memo->stack) {
        prof__threads_flush(slot);
        slot->stack = memo->stack;
    }
}

bool prof__walk_is_runtime(uint32_t stack) {
    const prof_stack *known = &prof__area.stacks[stack];

    return known->frame_count == 2 &&
           prof__goruntime_has(prof__area.frames[known->frames_at + 1] - 1);
}
