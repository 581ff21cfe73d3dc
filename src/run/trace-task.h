/* SPDX-License-Identifier: MIT */
/*
 * Who is who among the traced: threads by their number outside, each with its process, and both with the numbers that they
 * have inside the sandbox. Read from /proc at a thread's first stop, before it has run an instruction.
 */
#ifndef SR_RUN_TRACE_TASK_H
#define SR_RUN_TRACE_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SR_TRACE_BUCKETS 256 /* of the hash tables */

struct trace_process {
	pid_t tgid;       /* outside */
	int pid, ppid;    /* inside; ppid: the parent when it started; pid 0: could not be read */
	unsigned threads; /* that live; their last end frees it */
	struct trace_process *next;
};

struct trace_row;

struct trace_task {
	pid_t tid; /* outside */
	int inner; /* inside; 0: could not be read */
	struct trace_process *process;
	/* between a call's entry and its exit */
	const struct trace_row *row; /* NULL: not in a call that is recorded */
	uint64_t args[6];
	uint64_t flags; /* of an open */
	bool shared;    /* others could change what its descriptors are, at its entry */
	char *asked;    /* the object as the program named it; fresh, or NULL */
	struct trace_task *next;
};

struct trace_tasks {
	struct trace_task *tasks[SR_TRACE_BUCKETS];
	struct trace_process *processes[SR_TRACE_BUCKETS];
	pid_t init; /* outside: PID 1 inside */
	uint64_t processes_seen, threads_seen;
};

struct trace_task *trace_task_find(const struct trace_tasks *t, pid_t tid);
/* Makes it known. 0, -ENOMEM, or -ESRCH: its end was reported, and it merely waits for its parent. */
int trace_task_add(struct trace_tasks *t, pid_t tid, struct trace_task **ret);
/*
 * Reads numbers that could not be read before: a /proc that is mounted with hidepid does not show our own child, which cannot
 * be dumped before it executes the program.
 */
void trace_task_executed(struct trace_tasks *t, struct trace_task *task);
/* Forgets the call that it was in. */
void trace_task_leave(struct trace_task *task);
void trace_task_remove(struct trace_tasks *t, pid_t tid);
/* After an exec by another thread than its process's first: it has that one's number now. */
void trace_task_rename(struct trace_tasks *t, pid_t former, pid_t tid);
void trace_tasks_done(struct trace_tasks *t);

#endif
