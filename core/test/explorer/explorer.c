/* SPDX-License-Identifier: MIT */
/* explorer.c - simulated threads, and the search over their schedules. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "explorer.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lock.h"
#include "platform.h"

#define EXPLORER_ALL (EXPLORER_THREADS + 1)
#define EXPLORER_STACK (64u * 1024)
#define EXPLORER_TLS 256u
#define EXPLORER_DEPTH 20000u
#define EXPLORER_STEPS 100000u /* in one schedule: more is a loop without end */

typedef enum explorer_wait {
    WAIT_NOTHING,
    WAIT_LOCK,   /* until the lock is free */
    WAIT_SIGNAL, /* until the signal was given */
    WAIT_TIMED   /* likewise, or until nobody else can go on */
} explorer_wait;

typedef struct explorer_thread {
    void *stack_top; /* where explorer_swap left it; the registers are on the stack */
    _Alignas(16) unsigned char stack[EXPLORER_STACK];
    unsigned char tls[EXPLORER_TLS];
    void (*run)(void);
    void *(*run_worker)(void *);
    const char *where;
    void *object; /* lock or signal it waits for */
    int generation;
    explorer_wait wait;
    bool is_there, is_done, is_worker, is_timed_out, is_yielding;
} explorer_thread;

/* A point with more than one thread to choose from. */
typedef struct explorer_choice {
    uint8_t allowed; /* threads that may be chosen here */
    uint8_t tried, chosen;
    const char *where; /* the one that ran before was */
} explorer_choice;

/* Outlives the restore of memory. */
typedef struct explorer_search {
    const explorer_scenario *scenario;
    explorer_thread threads[EXPLORER_ALL];
    void *stack_top;    /* of the search itself */
    unsigned char *tls; /* this program's thread variables */
    size_t tls_bytes;
    explorer_choice choices[EXPLORER_DEPTH];
    size_t depth, at;
    int current; /* -1: the search itself, setup and check, which run alone */
    int last;    /* the thread that ran last */
    int preemptions;
    bool is_pruned;
    uint64_t *seen; /* hash table of states; 0: empty */
    uint64_t seen_size, max_states;
    uint64_t steps_here;
    explorer_result result;
} explorer_search;

static explorer_search *search = NULL;

/* Goes on on another stack: keeps the registers that a call must keep on this one, notes
 * its top in *save and takes the same from `load`. No system call, unlike swapcontext. */
void explorer_swap(void **save, void *load);

__asm__(".text\n"
        ".globl explorer_swap\n"
        ".type explorer_swap, @function\n"
        "explorer_swap:\n"
        "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n"
        "    pushq %r13\n    pushq %r14\n    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n    popq %r14\n    popq %r13\n"
        "    popq %r12\n    popq %rbx\n    popq %rbp\n"
        "    ret\n"
        ".size explorer_swap, .-explorer_swap\n");

static void explorer_print_schedule(void) {
    fprintf(stderr,
            "  schedule (choices of a thread, and where each was about to go on):\n");
    for (size_t i = 0; i < search->at && i < search->depth; i++) {
        const explorer_choice *choice = &search->choices[i];
        size_t run = 1;
        while (i + 1 < search->at && search->choices[i + 1].chosen == choice->chosen) {
            i++;
            run++;
        }
        fprintf(stderr, "    thread %d for %zu choices, then at %s\n", choice->chosen,
                run, search->choices[i].where);
    }
    for (int i = 0; i < EXPLORER_ALL; i++) {
        const explorer_thread *thread = &search->threads[i];
        if (thread->is_there) {
            fprintf(stderr, "    thread %d%s: %s at %s\n", i,
                    thread->is_worker ? " (worker)" : "",
                    thread->is_done                ? "done"
                    : thread->wait == WAIT_LOCK    ? "waits for a lock"
                    : thread->wait != WAIT_NOTHING ? "waits for a signal"
                                                   : "can go on",
                    thread->where);
        }
    }
}

_Noreturn static void explorer_fail(const char *text) {
    fprintf(stderr, "%s: %s\n", search->scenario->name, text);
    explorer_print_schedule();
    fflush(NULL);
    _Exit(1);
}

void explorer_require(bool holds, const char *text, const char *file, int line) {
    if (!holds) {
        fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
        explorer_fail("a check failed");
    }
}

static int explorer_find_tls(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    (void)data;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_TLS && info->dlpi_tls_data != NULL) {
            search->tls = info->dlpi_tls_data;
            search->tls_bytes = info->dlpi_phdr[i].p_memsz;
        }
    }
    return 1; /* the first is the program itself */
}

static bool explorer_is_enabled(const explorer_thread *thread) {
    if (!thread->is_there || thread->is_done) {
        return false;
    }
    switch (thread->wait) {
    case WAIT_LOCK:
        return ((const belay__lock *)thread->object)->held == 0;
    case WAIT_SIGNAL:
    case WAIT_TIMED:
        return thread->is_timed_out ||
               ((const belay__signal *)thread->object)->generation != thread->generation;
    default:
        return true;
    }
}

static uint8_t explorer_enabled(void) {
    uint8_t enabled = 0;
    for (int i = 0; i < EXPLORER_ALL; i++) {
        enabled |= (uint8_t)(explorer_is_enabled(&search->threads[i]) << i);
    }
    return enabled;
}

static bool explorer_is_over(void) {
    for (int i = 0; i < EXPLORER_ALL; i++) {
        const explorer_thread *thread = &search->threads[i];
        bool may_sleep = thread->is_worker && thread->wait == WAIT_SIGNAL;
        if (thread->is_there && !thread->is_done && !may_sleep) {
            return false;
        }
    }
    return true;
}

/* The state of everything: memory, and where each thread is. */
static uint64_t explorer_state(void) {
    uint64_t hash = 0x5bd1e995;
    if (search->scenario->preemptions > 0) {
        hash += (uint64_t)search->preemptions << 32 | (uint64_t)(search->last + 1) << 48;
    }
    for (int i = 0; i < EXPLORER_ALL; i++) {
        const explorer_thread *thread = &search->threads[i];
        uint64_t flags =
                (uint64_t)thread->is_there | (uint64_t)thread->is_done << 1 |
                (uint64_t)thread->is_timed_out << 2 | (uint64_t)thread->is_yielding << 3 |
                (uint64_t)thread->wait << 4 | (uint64_t)(uint32_t)thread->generation << 8;
        hash = explorer_hash(hash, &flags, sizeof flags);
        if (!thread->is_there || thread->is_done) {
            continue;
        }
        const unsigned char *top = thread->stack_top;
        hash = explorer_hash(hash, top, (size_t)(thread->stack + EXPLORER_STACK - top));
        hash = explorer_hash(hash, thread->tls, search->tls_bytes);
    }
    return explorer_memory_hash(hash);
}

/* Notes a state. True: it was seen before. */
static bool explorer_seen(uint64_t state) {
    state |= 1;
    uint64_t at = state * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (search->seen_size - 1);
    while (search->seen[at] != 0 && search->seen[at] != state) {
        at = (at + 1) & (search->seen_size - 1);
    }
    if (search->seen[at] == state) {
        return true;
    }
    search->seen[at] = state;
    if (++search->result.states > search->max_states) {
        explorer_fail(
                "more states than allowed: give the scenario a bound of preemptions");
    }
    return false;
}

/* Picks who runs next; -1: the state is known, this schedule ends here. */
static int explorer_choose(uint8_t enabled) {
    if ((enabled & (enabled - 1)) == 0) {
        return __builtin_ctz(enabled);
    }
    if (search->at < search->depth) {
        int again = search->choices[search->at++].chosen; /* where it went before */
        if (!(enabled >> again & 1)) {
            explorer_fail(
                    "a schedule does not repeat itself: memory escapes the explorer");
        }
        return again;
    }
    if (explorer_seen(explorer_state())) {
        return -1;
    }
    if (search->depth == EXPLORER_DEPTH) {
        explorer_fail("a schedule without end");
    }
    int last = search->last;
    bool can_stay =
            last >= 0 && (enabled >> last & 1) && !search->threads[last].is_yielding;
    int bound = search->scenario->preemptions;
    explorer_choice *choice = &search->choices[search->depth++];
    *choice = (explorer_choice){.allowed = enabled,
            .where = last < 0 ? "start" : search->threads[last].where};
    if (bound > 0 && can_stay && search->preemptions >= bound) {
        choice->allowed = (uint8_t)(1u << last);
    }
    uint8_t others = last < 0 ? enabled : (uint8_t)(enabled & ~(1u << last));
    choice->chosen =
            (uint8_t)(can_stay ? last : __builtin_ctz(others ? others : enabled));
    choice->tried = (uint8_t)(1u << choice->chosen);
    search->at++;
    return choice->chosen;
}

/* When nobody can go on, time passes: a timed wait ends. False: there is none. */
static bool explorer_time_out(void) {
    for (int i = 0; i < EXPLORER_ALL; i++) {
        explorer_thread *thread = &search->threads[i];
        if (thread->is_there && !thread->is_done && thread->wait == WAIT_TIMED) {
            thread->is_timed_out = true;
            return true;
        }
    }
    return false;
}

/* The next thread to run; -1: this schedule is at its end. */
static int explorer_pick(void) {
    uint8_t enabled = explorer_enabled();
    bool is_over = explorer_is_over();
    if (enabled == 0 && !is_over && explorer_time_out()) {
        enabled = explorer_enabled();
    }
    if (enabled == 0) {
        if (!is_over) {
            explorer_fail("deadlock: nobody can go on");
        }
        return -1;
    }
    int next = explorer_choose(enabled);
    if (next < 0) {
        search->is_pruned = true;
        return -1;
    }
    int last = search->last;
    if (last >= 0 && next != last && (enabled >> last & 1) &&
            !search->threads[last].is_yielding) {
        search->preemptions++;
    }
    search->threads[next].is_yielding = false;
    search->last = next;
    return next;
}

/* Lets the search choose who goes on. Every thread that does not run is inside this call,
 * so that equal states look equal. */
static void explorer_schedule(void) {
    explorer_thread *thread = &search->threads[search->current];
    search->result.steps++;
    if (++search->steps_here > EXPLORER_STEPS) {
        explorer_fail("a schedule of too many steps");
    }
    if (explorer_enabled() == 1u << search->current) {
        thread->is_yielding = false;
        search->last = search->current;
        return; /* there is no choice */
    }
    explorer_swap(&thread->stack_top, search->stack_top);
}

void belay__explore_point(const char *where);

void belay__explore_point(const char *where) {
    if (search != NULL && search->current >= 0) {
        search->threads[search->current].where = where;
        explorer_schedule();
    }
}

static void explorer_block(explorer_wait wait, void *object, int generation) {
    explorer_thread *thread = &search->threads[search->current];
    thread->wait = wait;
    thread->object = object;
    thread->generation = generation;
    thread->is_timed_out = false;
    explorer_schedule();
    thread->wait = WAIT_NOTHING;
}

void belay__lock_take(belay__lock *lock) {
    if (search == NULL || search->current < 0) {
        lock->held = 1;
        return;
    }
    belay__explore_point("lock");
    while (lock->held) {
        explorer_block(WAIT_LOCK, lock, 0);
    }
    lock->held = 1;
}

void belay__lock_drop(belay__lock *lock) {
    if (search != NULL && search->current >= 0 && !lock->held) {
        explorer_fail("a lock is dropped that nobody has");
    }
    lock->held = 0;
}

static bool explorer_signal_wait(
        belay__signal *signal, belay__lock *lock, explorer_wait wait) {
    if (search == NULL || search->current < 0) {
        return false;
    }
    lock->held = 0;
    explorer_block(wait, signal, signal->generation);
    bool is_in_time = !search->threads[search->current].is_timed_out;
    search->threads[search->current].is_timed_out = false;
    belay__lock_take(lock);
    return is_in_time;
}

void belay__signal_wait(belay__signal *signal, belay__lock *lock) {
    (void)explorer_signal_wait(signal, lock, WAIT_SIGNAL);
}

bool belay__signal_wait_until(
        belay__signal *signal, belay__lock *lock, uint64_t deadline_ms) {
    (void)deadline_ms;
    return explorer_signal_wait(signal, lock, WAIT_TIMED);
}

void belay__signal_wake(belay__signal *signal) {
    signal->generation++;
}

/* Time stands still: what depends on it must not differ from schedule to schedule. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out_time);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out_time) {
    (void)clock;
    *out_time = (struct timespec){.tv_sec = 1000};
    return 0;
}

int __wrap_sched_yield(void);

int __wrap_sched_yield(void) {
    if (search != NULL && search->current >= 0) {
        search->threads[search->current].is_yielding = true;
        belay__explore_point("yield");
    }
    return 0;
}

static void explorer_thread_main(void) {
    explorer_thread *thread = &search->threads[search->current];
    if (thread->is_worker) {
        thread->run_worker(NULL);
    } else {
        thread->run();
    }
    thread->is_done = true;
    explorer_schedule();
    explorer_fail("a thread that ended runs again");
}

static void explorer_thread_make(int place) {
    explorer_thread *thread = &search->threads[place];
    memset(thread, 0, sizeof *thread);
    thread->is_there = true;
    thread->where = "begin";
    /* As explorer_swap leaves a stack: six registers, where to go on, and for the caller
     * that is not there a return address that crashes. */
    void **top = (void **)(void *)(thread->stack + EXPLORER_STACK) - 8;
    *(void (**)(void))(void *)&top[6] = explorer_thread_main;
    thread->stack_top = top;
}

/* The core starts its worker (-Wl,--wrap=belay__thread_start). */
bool __wrap_belay__thread_start(void *(*run)(void *), void *data);

bool __wrap_belay__thread_start(void *(*run)(void *), void *data) {
    (void)data;
    if (search == NULL || search->current < 0 || !search->scenario->has_worker) {
        return false;
    }
    explorer_thread_make(EXPLORER_THREADS);
    search->threads[EXPLORER_THREADS].is_worker = true;
    search->threads[EXPLORER_THREADS].run_worker = run;
    return true;
}

/* Every order that is explored is sequentially consistent: a step like any other. */
bool __wrap_belay__fence_others(void);

bool __wrap_belay__fence_others(void) {
    belay__explore_point(__func__);
    return true;
}

/* Runs one schedule from the start. */
static void explorer_once(void) {
    explorer_memory_restore();
    for (int i = 0; i < EXPLORER_ALL; i++) {
        search->threads[i].is_there = false;
        if (i < EXPLORER_THREADS && search->scenario->threads[i] != NULL) {
            explorer_thread_make(i);
            search->threads[i].run = search->scenario->threads[i];
        }
    }
    unsigned char main_tls[EXPLORER_TLS];
    memcpy(main_tls, search->tls, search->tls_bytes);
    search->at = 0;
    search->preemptions = 0;
    search->steps_here = 0;
    search->is_pruned = false;
    search->last = -1;
    for (int next = explorer_pick(); next >= 0; next = explorer_pick()) {
        explorer_thread *thread = &search->threads[next];
        memcpy(search->tls, thread->tls, search->tls_bytes);
        search->current = next;
        explorer_swap(&search->stack_top, thread->stack_top);
        search->current = -1;
        memcpy(thread->tls, search->tls, search->tls_bytes);
    }
    memcpy(search->tls, main_tls, search->tls_bytes);
    if (!search->is_pruned) {
        search->result.schedules++;
        search->scenario->check();
    }
}

/* Moves on to the next schedule. False: that was the last one. */
static bool explorer_next(void) {
    if (search->depth > search->result.deepest) {
        search->result.deepest = search->depth;
    }
    while (search->depth > 0) {
        explorer_choice *choice = &search->choices[search->depth - 1];
        uint8_t left = (uint8_t)(choice->allowed & ~choice->tried);
        if (left != 0) {
            choice->chosen = (uint8_t)__builtin_ctz(left);
            choice->tried |= (uint8_t)(1u << choice->chosen);
            return true;
        }
        search->depth--;
    }
    return false;
}

void explorer_run(const explorer_scenario *scenario, uint64_t max_states,
        explorer_result *out_result) {
    search = explorer_keep(sizeof *search);
    search->scenario = scenario;
    search->current = -1;
    search->last = -1;
    search->max_states = max_states;
    search->seen_size = 1;
    while (search->seen_size < max_states * 2) {
        search->seen_size *= 2;
    }
    search->seen = explorer_keep(search->seen_size * sizeof *search->seen);
    dl_iterate_phdr(explorer_find_tls, NULL);
    if (search->tls_bytes > EXPLORER_TLS) {
        explorer_fail("more thread variables than expected");
    }
    scenario->setup();
    explorer_memory_save();
    do {
        explorer_once();
    } while (explorer_next());
    *out_result = search->result;
}
