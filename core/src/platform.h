/* SPDX-License-Identifier: MIT */
/* platform.h - everything the core asks of the operating system.
 *
 * platform/linux and platform/posix have the same files. */
#ifndef BELAY__PLATFORM_H
#define BELAY__PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed private memory, page aligned, for the life of the process. NULL: none. */
void *belay__memory_private(size_t bytes);

/* False where the ledger can't be shared at all: then nobody is told that it is not. */
bool belay__memory_can_share(void);

/* These five return 0 or an errno, and leave errno to the program when all is well; the
 * last two also when it is not. */

/* Opens the file that holds the ledger: a sealed memfd, or `path` (created, locked,
 * private to the user). EBUSY: another process has it; EEXIST: it is no ledger; EPERM: it
 * is somebody else's, or no file. out_name: what to call it. out_fd: above those of
 * stdio, or the program's messages would land in it. */
int belay__memory_open(const char *path, char *out_name, size_t name_bytes, int *out_fd);

/* Makes the file `bytes` longer than `offset`, with real memory behind every byte, so
 * that no store can fault later. */
int belay__memory_extend(int fd, uint64_t offset, uint64_t bytes);

/* Maps a part of the file, shared. */
int belay__memory_map(int fd, uint64_t offset, size_t bytes, void **out_address);

/* A large page: at a multiple of its size in the file and in memory. */
#define BELAY__MEMORY_LARGE ((size_t)2 << 20)

/* Maps as many bytes of the file at an `offset` where it may have a large page. Nothing
 * is behind them yet. ENOTSUP: this system's pages have other sizes. */
int belay__memory_map_large(int fd, uint64_t offset, void **out_address);

/* Asks for the large page behind such a mapping, of which the file has the first bytes;
 * what it holds stays. Not 0: the mapping is as good as before. ENOMEM, EBUSY, EAGAIN:
 * not now; else: never. */
int belay__memory_make_large(void *address);

/* The same as belay__memory_private, but shared with the children of forks. */
void *belay__memory_common(size_t bytes);

/* Gives back memory of one of these after all. */
void belay__memory_release(void *address, size_t bytes);

/* Moves `from`, of belay__memory_private, over the mapping of as many bytes at `to`.
 * False: both are as before. */
bool belay__memory_move(void *to, void *from, size_t bytes);

/* CLOCK_MONOTONIC, to a few ms, and the wall clock. */
uint64_t belay__clock_mono_coarse_ns(void);
uint64_t belay__clock_unix_ns(void);

/* Start time of this process in clock ticks since boot (field 22 of /proc/PID/stat), its
 * boot id and the base name of its program; 0 or "" where the system does not tell. */
uint64_t belay__process_start_ticks(void);
void belay__process_boot_id(char *out_text, size_t bytes);
void belay__process_program(char *out_text, size_t bytes);

/* A variable of the environment. NULL: it is unset, or the program has more rights than
 * who started it (setuid, setgid, capabilities), and who must not choose what it does. */
const char *belay__process_setting(const char *name);

/* Starts a detached thread that takes no signals but those of its own faults, so that the
 * program's handlers, and a language's crash report, stay on the program's threads. */
bool belay__thread_start(void *(*run)(void *), void *data);

/* Lets other threads run for a moment. */
void belay__thread_pause(void);

/* Readies belay__fence_others for this process. False: the system has no such thing, and
 * whoever counts on it must do without. */
bool belay__fence_prepare(void);

/* Returns when every other thread of the process has passed a full memory fence since the
 * call, or was not running; costs 1 to 20 us, and a moment of each processor. So a thread
 * that stores and then loads needs no fence of its own if whoever stores and loads the
 * other way round calls this between the two. False: refused (not since a fork, nor
 * anything else known); the others may have passed none. */
bool belay__fence_others(void);

/* Calls `before` before each fork, on the thread that forks; `parent` and `child` after
 * it. */
void belay__process_at_fork(
        void (*before)(void), void (*parent)(void), void (*child)(void));

#endif
