/* SPDX-License-Identifier: MIT */
/*
 * Which calls the tracer looks at, and where their names lie.
 */
#ifndef SR_RUN_TRACE_CALLS_H
#define SR_RUN_TRACE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "run/trace.h"

struct trace_call {
	int call;           /* enum sr_syscall_id */
	int8_t dirfd, path; /* which arguments; dirfd -1: the working folder. PATH only */
	int8_t address, length; /* INET, SOCKET */
	int8_t flags;       /* open's; -1: none */
	bool writes;
};

/* The row of a call's number, or NULL. */
const struct trace_call *trace_call_of(int number);
/* Is that errno a refusal worth keeping, of that call? */
bool trace_is_refusal(const struct trace_call *row, int errnum);
/*
 * The call's object as text, fresh, with its kind, or NULL where it cannot be read. The thread stands at the call's exit; its
 * memory is read from outside.
 */
char *trace_object(pid_t tid, const struct trace_call *row, const uint64_t args[6], enum sr_traced_kind *ret_kind);

/*
 * As much of [from, from + size) of a thread's memory as is there, page by page: a text may end just before a page that is not,
 * and is read up to its NUL.
 */
size_t trace_read(pid_t tid, uint64_t from, void *out, size_t size, bool text);

#endif
