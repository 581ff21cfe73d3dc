/* SPDX-License-Identifier: MIT */
/*
 * --learn, the part that no filter sees: calls on files and sockets that the kernel refused, because the file is not in the
 * sandbox, a mount is read-only, Landlock forbids it or there is no network. Only who sees a call's result can tell, so a
 * thread of the supervisor traces the sandbox's processes with ptrace(2), from outside and from their first instruction on.
 *
 * It looks and changes nothing: no call, no argument, no result. What it reads from a process (a path) may have been
 * changed by another thread since the kernel read it; it goes into a report and nowhere else. It is the thread, not the
 * poll loop, that waits, so a process that it holds is never held by something the loop waits for; should it end, the kernel
 * kills what it traces (PTRACE_O_EXITKILL).
 */
#ifndef SR_RUN_TRACE_H
#define SR_RUN_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan/build.h"

#define SR_TRACE_MAX 16384     /* different refusals kept apart; most are names that a search did not find */
#define SR_TRACE_BYTES_MAX (8U << 20) /* of their names together */
#define SR_TRACE_KILLED_MAX 16
#define SR_TRACE_PROGRAM 32

enum sr_traced_kind {
	SR_TRACED_PATH,   /* name is a path as the program has it, made absolute by its working folder where that is known */
	SR_TRACED_INET,   /* name is an address with port */
	SR_TRACED_SOCKET, /* name is the path of a socket, or "@name" of one without a file */
};

struct sr_traced {
	enum sr_traced_kind kind;
	int call; /* enum sr_syscall_id */
	int errnum;
	bool writes; /* the call was to change something */
	uint32_t hash; /* of name, to find it again */
	char *name;  /* untrusted; owned */
	char program[SR_TRACE_PROGRAM];
	uint64_t count;
};

/* A call that the filter kills for. */
struct sr_traced_kill {
	uint32_t arch; /* AUDIT_ARCH_* */
	int64_t number;
	char program[SR_TRACE_PROGRAM];
	uint64_t count;
};

struct sr_trace;

/* What came of it; valid from trace_finish() to trace_free(). */
struct sr_trace_result {
	const struct sr_traced *items;
	size_t count;
	uint64_t lost; /* refusals that were not kept apart */
	const struct sr_traced_kill *killed;
	size_t killed_count;
	int error; /* why nothing is known: positive errno, 0 when all was seen */
	bool left; /* a process was made that is not traced: what it was refused is not known */
};

/* Attaches to PID 1 of the sandbox, which is at its first gate, and waits until that stands. Never NULL but out of memory. */
struct sr_trace *trace_start(pid_t init, const struct sr_plan_box *box);
/* After the sandbox's end: waits for the thread. */
void trace_finish(struct sr_trace *t, struct sr_trace_result *ret);
void trace_free(struct sr_trace *t);

#endif
