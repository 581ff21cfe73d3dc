/* SPDX-License-Identifier: MIT */
/*
 * The cgroup of a run (cgroup v2, rootless), by three ways in, tried in this order:
 *
 *	delegated  sandrun runs in a cgroup that was given to its user (a container, a service with Delegate=yes): the run gets a
 *	           cgroup beside or below sandrun's own, and its first process is born there (CLONE_INTO_CGROUP)
 *	scope      the systemd user manager makes a scope with the sandbox's first process in it, asked by the program
 *	           sandrun-scope (sd-bus); the run gets a cgroup inside. A login session's own cgroup cannot be used (finding 15)
 *	none       rlimits and the watchdog hold what they can
 *
 * What cannot be had is a note of the plan, limit by limit; --strict refuses. No cgroup outlives the run: what a sandrun
 * that was killed has left empty, the next one removes (a lock on the folder says that its maker lives).
 */
#ifndef SR_RUN_CGROUP_H
#define SR_RUN_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "plan/build.h"
#include "policy/policy.h"

enum sr_cgroup_way { SR_CGROUP_NONE, SR_CGROUP_DELEGATED, SR_CGROUP_SCOPE };

#define SR_CGROUP_MEMORY 1U
#define SR_CGROUP_PIDS 2U
#define SR_CGROUP_CPU 4U
#define SR_CGROUP_IO 8U
#define SR_CGROUP_SWAP 16U /* memory.swap.max exists and is set */

struct sr_cgroup {
	enum sr_cgroup_way way;
	unsigned controllers; /* expected while planning; what holds once it is made */
	int parent_fd;        /* where the run's cgroup is made */
	int dir_fd;           /* the run's cgroup, -1 before and without one */
	char *path;           /* owned: of the parent, as seen from here */
	char name[48];        /* of the run's cgroup, or of the scope without ".scope" */
	char why[160];        /* why not by a better way, for people */
	bool crowded;         /* processes are in parent_fd: they must go before it can hand controllers out */
	unsigned moved;       /* how many of them went */
	char *program;        /* owned: sandrun-scope */
	pid_t helper;         /* its process, 0 */
	int helper_fd;
	int stop_fd;          /* borrowed: readable when a signal asks to stop waiting for the scope; -1 */
	pid_t keeper;         /* way scope: a process that keeps the scope from ending before its counts are read, 0 */
	uint64_t user0_us, system0_us; /* used before the payload's exec */
	uint64_t cpu_ns;               /* the last reading */
};

#define SR_CGROUP_INIT { .parent_fd = -1, .dir_fd = -1, .helper_fd = -1, .stop_fd = -1 }

/* What the cgroup says of a run; SR_UNLIMITED where the kernel does not tell. */
struct sr_cgroup_usage {
	uint64_t user_us, system_us; /* since cgroup_started() */
	uint64_t memory_peak_bytes, pids_peak;
	uint64_t oom_kills; /* by whichever limit: this cgroup's, one around it, the machine's end */
	uint64_t own_ooms;  /* times that this cgroup's own limit was the reason */
	uint64_t forks_refused, throttled_us;
};

/* Finds the way; changes nothing. What it finds counts for this process until it ends. */
void cgroup_choose(struct sr_cgroup *cg);
/* A line for --explain: "delegated /system.slice/ci.service: memory pids cpu", "none: no cgroup v2 here". */
void cgroup_describe(const struct sr_cgroup *cg, char *out, size_t size);
/* "delegated", "scope", "none" */
const char *cgroup_way_name(enum sr_cgroup_way way);
/* Whether memory may reach a disk where no cgroup keeps it out; true also when that cannot be read. */
bool cgroup_machine_swaps(void);
/* Notes for every limit of p that cg's controllers do not hold. */
void cgroup_notes(const struct sr_cgroup *cg, const struct sr_policy *p, struct sr_plan_box *box);

/* Way scope: starts sandrun-scope, so that it loads while the plan is made. A failure shows in cgroup_place(). */
void cgroup_begin(struct sr_cgroup *cg);
/* Before the clone. Way delegated: makes the run's cgroup with its limits. What fails leads to way none, said in `why`. */
void cgroup_make(struct sr_cgroup *cg, const struct sr_policy *p);
/*
 * After the clone, for a child that was not born in it: moves it, with its limits set. 0 also where that leads to way none;
 * -EINTR (stop_fd), or -ETIMEDOUT when the manager was asked and has not answered: it may still move the child, so this run
 * must not go on.
 */
int cgroup_place(struct sr_cgroup *cg, const struct sr_policy *p, pid_t init);
/* The payload starts: what was used until now is not its own. */
void cgroup_started(struct sr_cgroup *cg);

/* Processor time since cgroup_started(), ns; what was read last when it cannot be read now. */
uint64_t cgroup_cpu_ns(struct sr_cgroup *cg);
/* 0, or -errno: then nothing has changed. */
int cgroup_freeze(const struct sr_cgroup *cg, bool frozen);
void cgroup_usage(const struct sr_cgroup *cg, struct sr_cgroup_usage *ret);
/* Kills what is in it, removes it, forgets all. For a zeroed or initialised one as well. */
void cgroup_done(struct sr_cgroup *cg);

/* ---- between cgroup.c and cgroup-scope.c ---- */
/* A name of its own for the run's cgroup or scope, in cg->name. 0 or -errno. */
int cgroup_new_name(struct sr_cgroup *cg);
void cgroup_give_up(struct sr_cgroup *cg, const char *fmt, ...) SR_PRINTF(2, 3);
/* Whether a user manager (for root: the system's) can be asked, and the program to ask it is there. */
bool scope_possible(struct sr_cgroup *cg);
/* Asks for a scope around init and waits; leaves its folder in parent_fd. 0, or a negative errno with `why` said. */
int scope_ask(struct sr_cgroup *cg, pid_t init);
/* Ends sandrun-scope. */
void scope_abort(struct sr_cgroup *cg);
/* Ends the keeper, and the scope with it. */
void scope_done(struct sr_cgroup *cg);

#endif
