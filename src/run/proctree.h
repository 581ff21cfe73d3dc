/* SPDX-License-Identifier: MIT */
/*
 * The process tree of a run as /proc shows it: one look. Rests on proc(5): PID/task/TID/children (CONFIG_PROC_CHILDREN),
 * PID/stat, PID/status, PID/maps, PID/smaps_rollup; kcmp(2). Everything read here is numbers of the kernel's; a name in it may
 * be the payload's and is skipped over.
 */
#ifndef SR_RUN_PROCTREE_H
#define SR_RUN_PROCTREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCTREE_MAX 4096        /* processes of one look; more are not seen, and --pids beyond that says so */
#define PROCTREE_MAX_SHARED 256

struct proctree_process {
	pid_t pid;
	unsigned parent;       /* index; UINT_MAX: init */
	uint64_t start;        /* with the pid a process' name for good */
	uint64_t own_ticks;    /* user + system of its threads */
	uint64_t child_ticks;  /* of children it has waited for */
	uint64_t anon_bytes;   /* private resident memory and page tables */
	uint64_t table_bytes;  /* of these, page tables */
	uint64_t mapped_bytes; /* address space */
};

struct proctree {
	struct proctree_process process[PROCTREE_MAX];
	unsigned count;
	uint64_t init_ticks;   /* what init has reaped; its own set-up is not the payload's */
	uint64_t shared_bytes; /* shared anonymous memory, each object once */
	struct {
		uint64_t inode, bytes;
	} shared[PROCTREE_MAX_SHARED];
	unsigned shared_count;
};

/* Whether this machine's /proc lets the supervisor see init and its children at all (hidepid, missing option). */
bool proctree_visible(pid_t init);
/* Fills *t. 0, or -ESRCH when init cannot be read. */
int proctree_look(struct proctree *t, pid_t init);
/* Adds shared anonymous memory of processes [*from, count) and on from 0, until budget_ns is used up; *from moves on. */
void proctree_shared(struct proctree *t, uint64_t limit_bytes, uint64_t budget_ns, unsigned *from);
/* Private memory with shared pages divided (smaps_rollup) and nobody counted twice. Slow: only near a limit. */
uint64_t proctree_exact_bytes(const struct proctree *t);

#endif
