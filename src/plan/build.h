/* SPDX-License-Identifier: MIT */
/*
 * Builds a struct sr_plan: everything looked up, checked, formatted and compiled, so that the child only walks a list.
 *
 * Ownership: the plan's strings and arrays live in the box; the environment, the exec plan and the policy are borrowed and
 * must live as long. plan_done() frees. Errors: see base/error.h.
 */
#ifndef SR_PLAN_BUILD_H
#define SR_PLAN_BUILD_H

#include "base/error.h"
#include "plan/environment.h"
#include "plan/exec.h"
#include "plan/filter.h"
#include "plan/plan.h"
#include "policy/policy.h"

/* Things that the plan could not have by their first mechanism; printed once, recorded, refused by --strict. */
struct sr_plan_note {
	const char *what;   /* stable word for the report: "memory.max", "landlock", "core" */
	char text[160];     /* for people */
	bool degraded;      /* false: plain information */
};

#define SR_PLAN_MAX_NOTES 32

struct sr_plan_box {
	struct sr_plan plan;
	struct sr_fs_op *ops;
	size_t ops_count, ops_size;
	struct sr_strv strings; /* owned texts that ops point to */
	struct sr_filter filter, counted_filter, init_filter;
	bool counted; /* a memory cgroup counts: counted_filter is what was installed, and no watchdog has to look */
	/* --learn, --trace: what is installed instead of the first two */
	struct sr_filter watched_filter, watched_counted_filter;
	struct sr_plan_note notes[SR_PLAN_MAX_NOTES];
	size_t note_count;
	int disk_fd;            /* --build-layer: on the disk that is written to, borrowed; else -1 */
	int mask_fd;            /* the lock on /etc's mask, -1 without one */
	struct sr_stamp *stamp; /* owned; of /etc, where the plan counts on its names */
};

struct sr_plan_wants {
	bool work_fd;    /* files go in or out: the child hands the work folder's descriptor over */
	bool pty;
	bool no_proc;    /* --proc none */
	bool cgroup;     /* the run may get a memory cgroup: both filters are wanted */
	bool learn;      /* --learn */
	bool trace;      /* --trace; not both */
	char *const *caller_argv;
};

int plan_build(const struct sr_policy *p, const struct sr_environment *e, const struct sr_exec *x,
	       const struct sr_plan_wants *w, struct sr_plan_box *ret, struct sr_error *err);
void plan_done(struct sr_plan_box *box);
/* Adds a note (text formatted, cut to its field). */
void plan_note(struct sr_plan_box *box, bool degraded, const char *what, const char *fmt, ...) SR_PRINTF(4, 5);

/* ---- between the files of plan/ ---- */
int plan_root(struct sr_plan_box *box, const struct sr_policy *p, const struct sr_environment *e,
	      const struct sr_plan_wants *w, struct sr_error *err);
void plan_limits(struct sr_plan_box *box, const struct sr_policy *p);
void plan_landlock(struct sr_plan_box *box, const struct sr_environment *e);
int plan_identity(struct sr_plan_box *box, struct sr_error *err);

#endif
