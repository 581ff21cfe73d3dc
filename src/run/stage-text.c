/* SPDX-License-Identifier: MIT */
/*
 * Words for what can fail while the sandbox is built: `cannot <verb> <object>: <reason>` and, where a cause is known, the mend.
 */
#include <errno.h>
#include <string.h>

#include "run/mend.h"
#include "run/run.h"
#include "stage/stage.h"

static const char apparmor_text[] = "cannot use a user namespace: AppArmor restricts them on this system (%s)";

int run_clone_error(int errnum, struct sr_error *err)
{
	enum mend_id id = mend_for_clone(errnum);

	if (id == MEND_NESTED)
		(void)sr_error_set(err, SR_E_NESTED, EPERM, "sandbox",
				   "cannot start a sandbox inside a sandrun sandbox: it allows no further ones");
	else if (id == MEND_APPARMOR)
		(void)sr_error_set(err, SR_E_APPARMOR, errnum, "sandbox", apparmor_text, strerror(errnum));
	else
		(void)sr_error_set(err, errnum == EPERM || errnum == ENOSPC || errnum == EUSERS ? SR_E_USERNS_DENIED : SR_E_NAMESPACE,
				   errnum, "sandbox", "cannot make the sandbox's namespaces: %s", strerror(errnum));
	sr_error_hint(err, "%s", mend_text(id));
	return -errnum;
}

/* The mend for what a step's errno alone tells. */
static int general_hint(int errnum, struct sr_error *err)
{
	enum mend_id id = mend_for_refusal(errnum);

	if (id != MEND_NONE)
		sr_error_hint(err, "%s", mend_text(id));
	return -errnum;
}

/* The payload's exec failed: 127 when something is missing, 126 when it may not be executed. */
static int exec_error(const struct sr_run *run, int errnum, struct sr_error *err)
{
	char shown[256];

	str_escape(run->box->plan.path, shown, sizeof(shown));
	if (errnum == ENOENT) {
		(void)sr_error_set_status(err, 127, SR_E_EXEC_NOT_FOUND, errnum, "exec",
					  "cannot execute %s: not found in the environment", shown);
		sr_error_hint(err, "the program, its interpreter or its ELF loader is missing inside");
		return -errnum;
	}
	(void)sr_error_set_status(err, 126, SR_E_EXEC_DENIED, errnum, "exec", "cannot execute %s: %s", shown,
				  strerror(errnum));
	if (errnum == ENOEXEC)
		sr_error_hint(err, "it is no program of this machine and has no #! line; --lang LANG names an interpreter");
	else if (errnum == E2BIG)
		sr_error_hint(err, "arguments and environment together are too long; pass data by file (-i) or standard input");
	return -errnum;
}

/* A folder of the layer that is none, or an overlay that the file system of --build-layer does not bear. */
static int build_error(const struct sr_run *run, const struct sr_fs_op *op, int errnum, struct sr_error *err)
{
	char shown[256], name[256];

	str_escape(run->policy->build_layer, shown, sizeof(shown));
	str_escape(op->src, name, sizeof(name));
	if (op->kind == SR_FS_OPEN) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, errnum, "sandbox", "cannot build in %s: /%s in its tree is no folder: %s", shown,
				   name, strerror(errnum));
		sr_error_hint(err, "an earlier build left it; remove it from %s/tree, or build in a new folder", shown);
	} else {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, errnum, "sandbox", "cannot build in %s: the kernel refuses an overlay: %s", shown,
				   strerror(errnum));
		sr_error_hint(err, "give a folder on ext4, xfs or btrfs: not on overlayfs (a container's root), nfs or fuse");
	}
	return -errnum;
}

static int fs_error(const struct sr_run *run, const struct sr_msg *msg, struct sr_error *err)
{
	const struct sr_plan *plan = &run->box->plan;
	const struct sr_fs_op *op = msg->index >= 0 && (size_t)msg->index < plan->fs_count ? &plan->fs[msg->index] : NULL;
	const char *reason = strerror(msg->errnum);
	char shown[256];

	if (!op)
		return sr_error_set(err, SR_E_INTERNAL, msg->errnum, "sandbox", "cannot build the new root: %s", reason);
	if (op->kind == SR_FS_PROC) {
		(void)sr_error_set(err, SR_E_PROC, msg->errnum, "sandbox", "cannot mount a fresh /proc: %s", reason);
		sr_error_hint(err, "%s", mend_text(MEND_PROC_MASKED));
		return -msg->errnum;
	}
	if (op->kind == SR_FS_SAME) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, EAGAIN, "sandbox",
				   "cannot show /etc safely: it changed while the sandbox was built");
		sr_error_hint(err, "a package is being installed, perhaps; run it again");
		return -EAGAIN;
	}
	if (run->policy->build_layer && (op->kind == SR_FS_OVERLAY || (op->kind == SR_FS_OPEN && !op->ino)) && !op->mode)
		return build_error(run, op, msg->errnum, err);
	if (op->kind == SR_FS_OPEN || (op->kind == SR_FS_OVERLAY && (op->flags & SR_FS_HERE)) ||
	    (op->kind == SR_FS_BIND && op->ino)) {
		str_escape(op->src, shown, sizeof(shown));
		if (msg->errnum == ESTALE)
			reason = "it was exchanged while sandrun looked at it";
		(void)sr_error_set(err, op->kind == SR_FS_OPEN && op->mode ? SR_E_ENVIRONMENT : SR_E_MOUNT, msg->errnum, "sandbox",
				   "cannot show %s inside: %s", shown, reason);
		if (plan->borrowed_id && msg->errnum == EACCES)
			sr_error_hint(err, "run by root, the program's user owns nothing: every folder on that path must be open to all "
					   "(chmod o+x), or run sandrun as an ordinary user");
		else if (!op->ino || msg->errnum == ENOSYS) /* else it is the file that is closed to the user, not the call */
			(void)general_hint(msg->errnum, err);
		return -msg->errnum;
	}
	(void)sr_error_set(err, SR_E_MOUNT, msg->errnum, "sandbox", "cannot build %s of the new root: %s",
			   op->dest[0] ? op->dest : op->src, reason);
	return general_hint(msg->errnum, err);
}

int run_stage_error(struct sr_run *run, const struct sr_msg *msg, struct sr_error *err)
{
	static const struct {
		enum sr_error_code code;
		const char *what;
	} rows[SR_STAGE_MAX] = {
		[SR_STAGE_START] = { SR_E_SETUP, "prepare the sandbox's first process" },
		[SR_STAGE_IDS] = { SR_E_USERNS_DENIED, "map the user id" },
		[SR_STAGE_PROPAGATION] = { SR_E_MOUNT, "make mounts private" },
		[SR_STAGE_FS] = { SR_E_MOUNT, "build the new root" },
		[SR_STAGE_PIVOT] = { SR_E_MOUNT, "change to the new root" },
		[SR_STAGE_HOSTNAME] = { SR_E_NAMESPACE, "set the host name" },
		[SR_STAGE_LOOPBACK] = { SR_E_NAMESPACE, "bring the loopback interface up" },
		[SR_STAGE_CGROUP] = { SR_E_NAMESPACE, "begin a cgroup namespace" },
		[SR_STAGE_CAPS] = { SR_E_SETUP, "give up privileges" },
		[SR_STAGE_LANDLOCK] = { SR_E_LANDLOCK, "set up Landlock" },
		[SR_STAGE_TERMINAL] = { SR_E_TERMINAL, "make a private terminal" },
		[SR_STAGE_GATE] = { SR_E_SETUP, "wait at the gate" },
		[SR_STAGE_FORK] = { SR_E_SETUP, "start the program's process" },
		[SR_STAGE_STDIO] = { SR_E_SETUP, "connect standard input and output" },
		[SR_STAGE_RLIMITS] = { SR_E_SETUP, "set resource limits" },
		[SR_STAGE_SECCOMP] = { SR_E_SECCOMP, "install the seccomp filter" },
		[SR_STAGE_EXEC] = { SR_E_SETUP, "execute the program" },
		[SR_STAGE_INIT] = { SR_E_SETUP, "lock down the sandbox's first process" },
	};
	int e = msg->errnum > 0 ? msg->errnum : EPERM;
	enum mend_id id = mend_for_refusal(e);

	run->failed_step = msg->stage + 1;
	run->failed_index = msg->index;
	if (msg->stage == SR_STAGE_EXEC)
		return exec_error(run, e, err);
	if (msg->stage == SR_STAGE_FS)
		return fs_error(run, msg, err);
	if (msg->stage >= SR_STAGE_MAX)
		return sr_error_set(err, SR_E_INTERNAL, e, "sandbox", "cannot understand the sandbox's message");
	if (msg->stage <= SR_STAGE_PROPAGATION)
		id = mend_for_rights(e);
	if (id == MEND_APPARMOR)
		(void)sr_error_set(err, SR_E_APPARMOR, e, "sandbox", apparmor_text, strerror(e));
	else
		(void)sr_error_set(err, rows[msg->stage].code, e, "sandbox", "cannot %s: %s", rows[msg->stage].what, strerror(e));
	if (id != MEND_NONE)
		sr_error_hint(err, "%s", mend_text(id));
	if (msg->stage == SR_STAGE_IDS && e == ENOENT)
		sr_error_hint(err, "%s", mend_text(MEND_PROC_MISSING));
	if (msg->stage == SR_STAGE_SECCOMP && e == EBUSY)
		sr_error_hint(err, "the container's runtime listens to a filter of its own, and the kernel takes one listener: leave --learn out");
	if (msg->stage == SR_STAGE_FORK && e == EAGAIN)
		sr_error_hint(err, "the process limit (--pids, or `ulimit -u` of the caller) leaves no room for the program");
	return -e;
}
