/* SPDX-License-Identifier: MIT */
/*
 * --trace: the payload's filter made over so that a call that the record is about stops for the tracer (SECCOMP_RET_TRACE)
 * where the ordinary filter allows it. Every refusal stays what it was: the ordinary filter's own bytes are asked, for every
 * call. After the stop the kernel asks once more, so what the tracer lets go on is what the ordinary filter allows.
 * Rests on seccomp(2), ptrace(2).
 */
#ifndef SR_PLAN_FILTER_TRACE_H
#define SR_PLAN_FILTER_TRACE_H

#include "plan/filter.h"

/* The data that comes with such a stop. One with other data is of a filter that the payload installed. */
#define SR_TRACE_DATA 0x7352U

/*
 * What stops: execve, execveat, open, openat, openat2, creat, connect, bind, sendto with an address, and clone where it would
 * make a child that no tracer follows, or processes that share their descriptors.
 *
 * One refusal more than the ordinary filter's, as with --learn: the payload may not make a listener of its own (EBUSY). A
 * listener's "go on" outranks the stop, so a call that the payload answered itself would not be in the record.
 */
int filter_trace(const struct sr_filter *ordinary, struct sr_filter *ret, struct sr_error *err);

#endif
