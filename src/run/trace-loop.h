/* SPDX-License-Identifier: MIT */
/*
 * The tracer of --learn and --trace: a thread of the supervisor that follows every process and thread of the sandbox with
 * ptrace(2), from outside and from their first instruction on, and asks its user what to do at each stop. PID 1 is let go
 * as soon as the payload exists.
 *
 * It is the thread, not the poll loop, that waits, so a process that it holds is never held by something the loop waits for;
 * should it end, the kernel kills what it traces (PTRACE_O_EXITKILL).
 */
#ifndef SR_RUN_TRACE_LOOP_H
#define SR_RUN_TRACE_LOOP_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* struct ptrace_syscall_info of the kernel, as far as it is used. */
struct trace_info {
	uint8_t op; /* TRACE_INFO_* */
	uint8_t pad[3];
	uint32_t arch;
	uint64_t instruction_pointer, stack_pointer;
	union {
		struct {
			uint64_t nr;
			uint64_t args[6];
			uint32_t data; /* TRACE_INFO_SECCOMP: SECCOMP_RET_DATA */
		} entry;
		struct {
			int64_t rval;
			uint8_t is_error;
		} exit;
	};
};
#define TRACE_INFO_ENTRY 1
#define TRACE_INFO_EXIT 2
#define TRACE_INFO_SECCOMP 3

/*
 * What the user of the loop does. The thread that is asked about stands. Those that return bool: whether its next stop is at
 * the entry or exit of a call, whichever comes first; else it runs until something else happens. NULL: nothing, and true.
 */
struct trace_ops {
	bool stops_by_filter; /* SECCOMP_RET_TRACE of the payload's filter stops; else that answer would be ENOSYS */
	bool every_call;      /* a thread that was new, or got a signal, stops at its next call */
	void (*stands)(void *arg, pid_t tid); /* at every stop, first of all, and when one is born: it may be a new one */
	bool (*by_filter)(void *arg, pid_t tid);
	bool (*at_call)(void *arg, pid_t tid);
	void (*executed)(void *arg, pid_t tid, pid_t former); /* former: the thread's number before, if it was another */
	void (*ended)(void *arg, pid_t tid, int status); /* wait(2)'s status; reaped already */
};

struct trace_loop {
	const struct trace_ops *ops;
	void *arg;
	pid_t init;
	pthread_t thread;
	bool running;
	int error; /* positive errno: why it could not attach */
	sem_t attached;
};

/* Attaches to PID 1 of the sandbox, which is at its first gate. 0, or the positive errno; trace_loop_end() either way. */
int trace_loop_start(struct trace_loop *l, pid_t init, const struct trace_ops *ops, void *arg);
/* After the sandbox's end: waits for the thread. May be called again, and on a zeroed struct. */
void trace_loop_end(struct trace_loop *l);

/* For ops: 0 or -errno; -ESRCH: the thread was killed while it stood. */
int trace_info_of(pid_t tid, struct trace_info *ret);
/* At a stop by filter: that call is not made and answers ENOSYS, as without a tracer. */
int trace_skip(pid_t tid);
/* At a stop by filter of a call: its first argument becomes another. */
int trace_set_first_argument(pid_t tid, uint64_t value);

#endif
