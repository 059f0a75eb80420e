/* SPDX-License-Identifier: MIT */
/* Design: three kinds of step, and a memory of walks.
 *
 * C frames go by .eh_frame rules, cached by address (C compilers use the frame pointer as
 * a scratch register, cgo's own wrappers do). runtime.asmcgocall is crossed by the two
 * words it leaves on the system stack, g and the depth of the goroutine's stack: the
 * frame pointer does not do, because a callback may have moved the goroutine's stack
 * meanwhile. Go frames go by frame pointers within g's bounds. A callback leads from
 * cgocallback's frame back to the system stack, where crosscall2 has saved the C frame
 * pointer twice.
 *
 * The memory: a walk is a pure function of the registers it starts from and of the words
 * it reads. So each thread remembers its last walks with all their reads; when a new walk
 * starts from the same registers and every word is as it was, the stack is the same one.
 * The words are compared in the order in which a new walk would read them, so the
 * comparison touches nothing that a new walk would not. It costs a load and a compare a
 * word, about a third of a walk, and it is exact. */
#include "walk.h"

#include <string.h>

#include "area.h"
#include "goruntime.h"
#include "modules.h"
#include "stacks.h"

typedef struct walk {
    prof_thread *thread;
    prof_memo *memo;
    uint64_t pc, sp, bp;
    uint64_t low, high; /* bounds of the stack being walked */
    uint64_t hash;      /* of the frames so far and their modules */
    uint32_t count;     /* frames so far */
    uint32_t reads;
    uint32_t flags;
    bool is_bp_initial; /* bp is still the register of the origin */
} walk;

static bool walk_read_any(walk *w, uint64_t address, uint64_t *out) {
    const uint64_t *at = (const uint64_t *)(uintptr_t)address;

    if (address == 0 || (address & 7)) {
        return false;
    }
    *out = *at;
    if (w->reads < PROF_MEMO_READS) {
        w->memo->reads[w->reads] = (prof_read){at, *out};
    }
    w->reads++;
    return true;
}

static bool walk_read(walk *w, uint64_t address, uint64_t *out) {
    return address >= w->low && address < w->high && w->high - address >= 8 &&
           walk_read_any(w, address, out);
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

    out->module = 0;
    out->rule.cfa = PROF_CFA_NONE;
    /* A return address may lie behind its function: the call itself does not. */
    if (prof__goruntime_has(pc - 1)) {
        prof__modules_find(pc, &code); /* only so that the trace knows the executable */
        prof__goruntime_rule(pc, &out->rule);
    } else if (prof__modules_find(pc - 1, &code)) {
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

/* One C frame up. False: the walk is over. */
static bool walk_c_step(walk *w, const prof_rule *rule) {
    uint64_t cfa = 0, saved = w->bp;
    bool is_good = true;

    switch (rule->cfa) {
    case PROF_CFA_SP:
        cfa = w->sp + (uint64_t)(int64_t)rule->offset;
        break;
    case PROF_CFA_BP:
        w->memo->uses_bp |= w->is_bp_initial;
        cfa = w->bp + (uint64_t)(int64_t)rule->offset;
        break;
    case PROF_CFA_BP_DEREF:
        w->memo->uses_bp |= w->is_bp_initial;
        is_good = walk_read(w, w->bp + (uint64_t)(int64_t)rule->offset, &cfa);
        break;
    default:
        w->flags |= rule->cfa == PROF_CFA_END ? 0u : (uint32_t)PROF_STACK_BROKEN;
        return false;
    }
    if (rule->saved_bp != PROF_BP_SAME) {
        uint64_t base = rule->saved_bp == PROF_BP_AT_CFA ? cfa : w->bp;

        w->memo->uses_bp |= rule->saved_bp == PROF_BP_AT_BP && w->is_bp_initial;
        is_good = is_good &&
                  walk_read(w, base + (uint64_t)(int64_t)rule->bp_offset, &saved);
        w->is_bp_initial = false;
    }
    if (!is_good || cfa <= w->sp || !walk_read(w, cfa - 8, &w->pc)) {
        w->flags |= PROF_STACK_BROKEN;
        return false;
    }
    w->sp = cfa;
    w->bp = saved;
    return w->pc != 0;
}

/* From the C function that asmcgocall called to Go's frame pointer. */
static bool walk_cross(walk *w, const prof_rule *rule) {
    uint64_t g, depth, low, high;

    if (rule->cfa == PROF_CFA_SYSTEM) {
        return walk_read(w, w->sp + (uint64_t)(int64_t)rule->offset, &w->bp);
    }
    /* The first two words of a g are the bounds of its stack; a g is never freed. */
    if (!walk_read(w, w->sp + (uint64_t)(int64_t)rule->offset, &g) ||
            !walk_read(w, w->sp + (uint64_t)(int64_t)rule->bp_offset, &depth) ||
            !walk_read_any(w, g, &low) || !walk_read_any(w, g + 8, &high) ||
            low >= high || depth > high - low) {
        return false;
    }
    w->low = low;
    w->high = high;
    w->bp = high - depth;
    return true;
}

/* Go frames up to the goroutine's end, or to the C code that called back into Go. Returns
 * true when C frames follow. */
static bool walk_go(walk *w, uint64_t system_low) {
    uint64_t frame = w->bp, next;

    for (;;) {
        if (!walk_read(w, frame, &next)) {
            return false; /* the runtime's own system goroutines end so */
        }
        if (next == frame + 8) { /* crosscall2 saves the frame pointer twice */
            frame = next;
            if (!walk_read(w, frame, &next)) {
                return false;
            }
        }
        if (!walk_read(w, frame + 8, &w->pc)) {
            return false;
        }
        if (!prof__goruntime_has(w->pc - 1)) {
            w->sp = frame + 16;
            w->bp = next;
            return walk_rule(w, w->pc)->rule.cfa != PROF_CFA_NONE;
        }
        if (!walk_push(w, 0)) {
            return false;
        }
        if (prof__goruntime_is_callback(w->pc)) {
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

static bool memo_holds(
        const prof_memo *memo, const prof_origin *origin, uint64_t unloads) {
    if (memo->pc != origin->pc || memo->sp != origin->sp || memo->read_count == 0 ||
            memo->unloads != unloads || (memo->uses_bp && memo->bp != origin->bp)) {
        return false;
    }
    for (uint32_t i = 0; i < memo->read_count; i++) {
        if (*memo->reads[i].at != memo->reads[i].value) {
            return false;
        }
    }
    return true;
}

uint32_t prof__walk_stack(prof_thread *thread, const prof_origin *origin, int *out_slot) {
    uint64_t unloads = prof__modules_unloads();
    uint64_t hash = (origin->pc ^ origin->sp << 20) * 0x9E3779B97F4A7C15ULL;
    int slot = (int)(hash >> 58);
    prof_memo *memo = &thread->memos[slot];
    walk w = {.thread = thread,
            .memo = memo,
            .pc = origin->pc,
            .sp = origin->sp,
            .bp = origin->bp,
            .is_bp_initial = true};

    _Static_assert(PROF_LANE_SLOTS == 64, "the index is the top 6 bits");
    if (memo_holds(memo, origin, unloads)) {
        *out_slot = slot;
        return memo->stack;
    }
    prof__threads_flush(&thread->lane->slots[slot]);
    if (thread->rules_unloads != unloads) {
        memset(thread->rules, 0, sizeof thread->rules);
        thread->rules_unloads = unloads;
    }
    memo->read_count = 0;
    memo->uses_bp = false;
    walk_run(&w);
    memo->stack = prof__stacks_intern(w.hash, thread->frames, w.count, w.flags);
    if (w.reads == 0 || w.reads > PROF_MEMO_READS) {
        *out_slot = -1;
        return memo->stack;
    }
    memo->pc = origin->pc;
    memo->sp = origin->sp;
    memo->bp = origin->bp;
    memo->unloads = unloads;
    memo->read_count = (uint16_t)w.reads;
    thread->lane->slots[slot].stack = memo->stack;
    *out_slot = slot;
    return memo->stack;
}

bool prof__walk_is_runtime(uint32_t stack) {
    const prof_stack *known = &prof__area.stacks[stack];

    return known->frame_count == 2 &&
           prof__goruntime_has(prof__area.frames[known->frames_at + 1] - 1);
}
