/* SPDX-License-Identifier: MIT */
/*
 * One run from plan to outcome. The only floor that clones.
 *
 *	run_prepare   pipes, clone, the child builds the sandbox
 *	run_files     files go in while it does (needs the work folder, which the child sends)
 *	run_launch    fallbacks are judged, the gate opens, the payload's exec happens
 *	run_supervise one poll loop until the last process is dead and the last byte is out
 *	run_done      frees; kills what may be left
 *
 * Prepare and launch are apart so that a sandbox can wait at its gate (architecture.md, "Prepared runs").
 * No globals: two runs can live in one process.
 */
#ifndef SR_RUN_RUN_H
#define SR_RUN_RUN_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

#include "base/error.h"
#include "evidence/commitment.h"
#include "plan/build.h"
#include "run/cgroup.h"
#include "run/learn.h"
#include "run/observe.h"
#include "run/outcome.h"
#include "run/quota.h"
#include "run/snapshot.h"
#include "run/stream.h"
#include "run/trace-record.h"
#include "run/watchdog.h"

struct sr_stdio {
	bool tty[3];   /* the caller's 0, 1, 2 are terminals */
	bool closed[3];
	bool merged;   /* 1 and 2 are one file (finding 22) */
};

struct sr_run {
	struct sr_plan_box *box;
	const struct sr_policy *policy;
	const struct sr_exec *exec;
	struct sr_stdio stdio;

	pid_t init;
	int pidfd, ctl, work_fd, pty_master;
	int in_probe;           /* seekable stdin: a read end of the payload's pipe, to see what it left unread */
	int payload_fd[3];      /* our ends of the payload's pipes, -1 where the pty serves */
	bool started, exited;
	int notes;              /* fallbacks that the child took and that were accepted */
	unsigned failed_step;   /* 1 + the stage that failed, 0: none; for doctor */
	int failed_index;
	struct sr_stream in, out, err, tty_in;
	uint64_t budget;        /* bytes of output still accepted */
	bool budget_set;

	struct sr_cgroup *cgroup;
	struct sr_quota quota;
	bool frozen;            /* the quota is used up */
	uint64_t frozen_at;
	struct sr_watchdog watchdog;
	uint64_t wall_deadline, next_look, grace_deadline, kill_deadline, stopped_at;
	int signal_fd;
	unsigned terms;         /* SIGTERM and SIGHUP seen */
	bool cut[2];            /* a reader of standard output or error was given up on: something may be lost */
	bool looked;            /* the first look is over */
	bool blind;             /* /proc does not show the sandbox: no watchdog (noted) */
	bool stop_asked;
	bool input_ended;       /* a cooked terminal's end of file was passed on */
	struct termios saved_termios;
	bool raw, inner_set;
	char tail[4096];        /* the end of what came on standard error or the terminal, for hints; NUL-terminated */
	size_t tail_len;
	struct sr_outcome outcome;
	struct sr_observed observed;
	/* called when the outcome is known and the kernel takes the namespaces down, before PID 1 is waited for; NULL: nobody */
	void (*at_start)(void *data);    /* when the payload runs and what holds it is final */
	void (*before_wait)(void *data);
	void *hook_data;                 /* of both */
	struct sr_learn *learn; /* --learn; NULL without it */
	const struct sr_salt *salt; /* of this run's commitments: the caller's, set after run_prepare(); or NULL */
	struct sr_tracelog *trace_log; /* --trace: an open log, set before run_prepare(); borrowed */
	struct sr_trace_record *trace; /* NULL without it */
};

/* Looks at the caller's 0, 1, 2; opens /dev/null on the closed ones so that nothing else can land there. */
int run_stdio(struct sr_stdio *ret, struct sr_error *err);
/* cgroup: chosen by cgroup_choose(); borrowed, the caller ends it after run_done(). */
int run_prepare(struct sr_run *run, struct sr_plan_box *box, const struct sr_policy *policy, const struct sr_exec *exec,
		const struct sr_stdio *stdio, struct sr_cgroup *cgroup, struct sr_error *err);
/* Checks --salt-file while planning, as far as that goes without reading it. Errors: SR_E_SALT. */
int run_salt_check(const struct sr_policy *p, struct sr_error *err);
/*
 * Makes or reads the run's salt. After the clone, so that the sandbox never had it; from then on this process cannot be
 * dumped. Notes in `box` (an error with --strict) where memory for private data cannot be locked.
 */
int run_make_salt(const struct sr_policy *p, struct sr_plan_box *box, struct sr_salt *ret, struct sr_error *err);
/* run->salt must be set by then, where something is private. */
int run_files(struct sr_run *run, struct sr_snapshot *snapshot, struct sr_error *err);
int run_launch(struct sr_run *run, struct sr_error *err);
int run_supervise(struct sr_run *run, struct sr_error *err);
/* Kills what may be left. Afterwards the log of --trace is complete: tracelog_finish() may be called. */
void run_done(struct sr_run *run);

uint64_t run_now(void); /* CLOCK_MONOTONIC, ns */

/* ---- between the files of run/ ---- */
struct sr_msg;
int run_send(struct sr_run *run, unsigned type, int index);
/* Receives one message; 0, -EPIPE at end of file. *ret_fd: a descriptor that came along, or -1. */
int run_receive(struct sr_run *run, struct sr_msg *msg, int *ret_fd);
/* Turns a failed step into words with a mend. Always returns a negative errno. */
int run_stage_error(struct sr_run *run, const struct sr_msg *msg, struct sr_error *err);
/* With --strict, the first note of a fallback is an error. */
int run_refuse_degraded(const struct sr_policy *p, const struct sr_plan_box *box, struct sr_error *err);
/* Why clone failed, likewise. */
int run_clone_error(int errnum, struct sr_error *err);
/* 0 when no socket and no FIFO can be reached below path, -EEXIST with *ret_found (fresh) when one can. */
int run_prove_no_sockets(const char *path, char **ret_found);
void terminal_start(struct sr_run *run);
void terminal_resize(struct sr_run *run);
void terminal_end_of_input(struct sr_run *run);
void terminal_restore(struct sr_run *run);
/* Notes when the watchdog could see nothing, once init runs on its own; with --strict that is an error. */
int run_check_sight(struct sr_run *run, struct sr_error *err);
/* From here on signals are read by run_supervise(); the terminal may be set. */
int run_watch_signals(struct sr_run *run, struct sr_error *err);

#endif
