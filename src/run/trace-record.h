/* SPDX-License-Identifier: MIT */
/*
 * --trace: a record of what the sandbox's programs executed, opened and connected to and how each process ended.
 *
 * By ptrace(2), stopped by the payload's own filter (plan/filter-trace.h), so that all other calls run at their full speed.
 * Not by user notification: there the supervisor would have to make the call itself (with the program's Landlock domain, folder
 * and mask, which it does not have), or answer "go on", after which a thread of the program can change what the pointers
 * point to; nor does a listener see a call's result, what a program really was, or how it ended.
 *
 * The record says what the kernel did: the program from /proc/PID/exe, the file from the descriptor that was returned, the peer
 * from the socket. Where it has a program's word only (a call that failed), "how" says so; sr_trace_races says what can
 * be raced. No event gets lost but for the log's bounds, and those are counted: a thread that is not traced cannot make one of
 * these calls (SECCOMP_RET_TRACE without a tracer is ENOSYS).
 */
#ifndef SR_RUN_TRACE_RECORD_H
#define SR_RUN_TRACE_RECORD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "evidence/tracelog.h"

struct sr_trace_record;

/* For the certificate (tracelog_statement); each ends with NULL. */
extern const char *const sr_trace_coverage[];
extern const char *const sr_trace_mechanisms[];
extern const char *const sr_trace_races[];

/*
 * Attaches to PID 1 of the sandbox, which is at its first gate. The log is borrowed, and the tracer's until
 * trace_record_finish(). args: programs' arguments are written down, else only how many there were. NULL with the error set.
 */
struct sr_trace_record *trace_record_start(pid_t init, struct sr_tracelog *log, bool args, struct sr_error *err);
/* After the sandbox's end: the log has its last line; tracelog_finish() is next. May be called again, and with NULL. */
void trace_record_finish(struct sr_trace_record *t);
void trace_record_free(struct sr_trace_record *t);

#endif
