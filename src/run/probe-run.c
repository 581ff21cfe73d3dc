/* SPDX-License-Identifier: MIT */
/*
 * Whole runs of a program that does nothing, from the profile to the last wait: the step that fails is what is missing, and
 * all before it works. A run that fails at something that has an option of its own is repeated with that, so that the rows
 * behind it are known too. Two more runs end at a gate that never opens: their plan holds the few steps that they are about.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "policy/config.h"
#include "policy/profile.h"
#include "run/mend.h"
#include "run/probe.h"
#include "run/proctree.h"
#include "run/run.h"
#include "stage/stage.h"
#include "sys/fsid.h"
#include "sys/kernel.h"

#define WALL_NS (20ULL * 1000000000ULL)

/* What a run needs, owned. */
struct kit {
	struct sr_policy policy;
	struct sr_environment env;
	struct sr_exec exec;
	struct sr_plan_box box;
	struct sr_cgroup cgroup;
	struct sr_run run;
};

/* One trial, in memory that the child shares. */
struct trial {
	/* in */
	bool whole;              /* a run with its cgroup, not one of a few steps */
	bool no_proc;
	/* out */
	bool planned, cloned, started, ended;
	unsigned failed_step;    /* struct sr_run */
	unsigned passed, all;    /* bits of enum sr_fs_kind: every step of that kind was taken; the plan has it */
	enum sr_fs_kind failed_kind;
	int status;
	bool blind;
	int landlock_abi;
	int landlock_answer;
	unsigned filter_count;
	struct sr_error err;
	struct sr_plan_note notes[SR_PLAN_MAX_NOTES];
	size_t note_count;
	int overlay_errnum; /* of the folders removed and renamed through an overlay */
	int xattr_errnum;
	struct sr_probe_cgroup cgroup;
};

/*
 * The plan of `sandrun -E host -- true` under the user's settings and the profile that a plain run has. `explain` keeps it from leaving a mask of /etc in the
 * user's cache. Every limit is set, so that the notes tell how each would be held.
 */
static int plan_true(struct kit *k, const struct trial *t, struct sr_error *err)
{
	struct sr_plan_wants wants = { .pty = true, .no_proc = t->no_proc };
	int r;

	k->env = (struct sr_environment)SR_ENVIRONMENT_INIT;
	k->cgroup = (struct sr_cgroup)SR_CGROUP_INIT;
	k->box.mask_fd = -1;
	policy_init(&k->policy);
	k->policy.form = SR_FORM_COMMAND;
	k->policy.explain = true;
	policy_set_limit(&k->policy, SR_LIMIT_wall_ns, WALL_NS, SR_FROM_COMMAND_LINE);
	policy_set_limit(&k->policy, SR_LIMIT_cpu_ns, WALL_NS, SR_FROM_COMMAND_LINE);
	policy_set_limit(&k->policy, SR_LIMIT_memory_bytes, 512ULL << 20, SR_FROM_COMMAND_LINE);
	policy_set_limit(&k->policy, SR_LIMIT_pids, 128, SR_FROM_COMMAND_LINE);
	policy_set_limit(&k->policy, SR_LIMIT_swap_bytes, 0, SR_FROM_COMMAND_LINE);
	policy_set_limit(&k->policy, SR_LIMIT_cpu_percent, 100, SR_FROM_COMMAND_LINE);
	policy_set_limit(&k->policy, SR_LIMIT_io_weight, 100, SR_FROM_COMMAND_LINE);
	if (strv_add(&k->policy.operands, "true") < 0)
		return sr_error_oom(err, "sandbox");
	r = config_load(&k->policy, err);
	if (!r)
		r = profile_load(k->policy.profile, &k->policy, err);
	if (!r)
		r = environment_open(NULL, &k->env, err);
	if (!r)
		r = exec_build(&k->policy, &k->env, 0, &k->exec, err);
	if (r < 0)
		return r;
	if (t->whole)
		cgroup_choose(&k->cgroup);
	wants.cgroup = k->cgroup.way != SR_CGROUP_NONE;
	return plan_build(&k->policy, &k->env, &k->exec, &wants, &k->box, err);
}

static void keep_steps(struct trial *t, const struct kit *k)
{
	const struct sr_plan *plan = &k->box.plan;
	const bool in_fs = k->run.failed_step == SR_STAGE_FS + 1;

	for (size_t i = 0; i < plan->fs_count; i++)
		t->all |= 1U << plan->fs[i].kind;
	t->passed = k->run.failed_step && k->run.failed_step <= SR_STAGE_FS ? 0 : t->all;
	if (!in_fs || k->run.failed_index < 0 || (size_t)k->run.failed_index >= plan->fs_count)
		return;
	t->failed_kind = plan->fs[k->run.failed_index].kind;
	for (size_t i = (size_t)k->run.failed_index; i < plan->fs_count; i++)
		t->passed &= ~(1U << plan->fs[i].kind);
}

static void keep(struct trial *t, const struct kit *k)
{
	t->cloned = k->run.pidfd >= 0 && k->run.outcome.phases.cloned;
	t->failed_step = k->run.failed_step;
	keep_steps(t, k);
	t->landlock_abi = k->box.plan.landlock_abi;
	t->landlock_answer = sys_landlock_abi();
	t->filter_count = k->box.counted ? k->box.plan.counted_filter.count : k->box.plan.filter.count;
	memcpy(t->notes, k->box.notes, sizeof(t->notes));
	t->note_count = k->box.note_count;
}

static const struct sr_plan_note *note(const struct trial *t, const char *what)
{
	for (size_t i = 0; i < t->note_count; i++) {
		if (strcmp(t->notes[i].what, what) == 0)
			return &t->notes[i];
	}
	return NULL;
}

static void keep_note(const struct trial *t, const char *what, char out[static 160])
{
	const struct sr_plan_note *n = note(t, what);

	(void)snprintf(out, 160, "%s", n ? n->text : "");
}

static void keep_cgroup(struct trial *t, const struct kit *k)
{
	struct sr_probe_cgroup *c = &t->cgroup;

	c->way = (int)k->cgroup.way;
	c->controllers = k->cgroup.controllers | (c->crowded && (k->cgroup.controllers & SR_CGROUP_MEMORY) ? SR_CGROUP_SWAP : 0);
	if (c->crowded)
		c->crowded_errnum = probe_cgroup_child(k->cgroup.parent_fd);
	c->born = c->crowded ? c->crowded_errnum == 0 : k->box.plan.cgroup && !k->box.plan.cgroup_wait;
	c->borrowed = k->box.plan.borrowed_id;
	(void)snprintf(c->why, sizeof(c->why), "%s", k->cgroup.why);
	cgroup_describe(&k->cgroup, c->shown, sizeof(c->shown));
	keep_note(t, "memory.max", c->memory_note);
	keep_note(t, "memory.swap.max", c->swap_note);
	keep_note(t, "pids.max", c->pids_note);
	keep_note(t, "cpu.max", c->cpu_note);
	keep_note(t, "io.weight", c->io_note);
}

/*
 * As a run goes on with the cgroup that it chose; but where that would move other processes of a delegated cgroup to another
 * place, which only a run that is wanted may do, the trial has none, and what is expected stands for it.
 */
static void begin_cgroup(struct trial *t, struct kit *k)
{
	struct sr_cgroup expected;

	t->cgroup.crowded = k->cgroup.way == SR_CGROUP_DELEGATED && k->cgroup.crowded;
	cgroup_begin(&k->cgroup);
	expected = k->cgroup;
	if (t->cgroup.crowded && (expected.controllers & SR_CGROUP_MEMORY))
		expected.controllers |= SR_CGROUP_SWAP;
	if (k->cgroup.way == SR_CGROUP_NONE || t->cgroup.crowded)
		cgroup_notes(&expected, &k->policy, &k->box);
}

static void try_run(void *arg)
{
	const struct sr_stdio none = { .closed = { true } };
	struct sr_cgroup unused = SR_CGROUP_INIT;
	static struct kit k;
	struct trial *t = arg;
	int r = plan_true(&k, t, &t->err);

	t->planned = r == 0;
	if (r < 0)
		return;
	begin_cgroup(t, &k);
	r = run_prepare(&k.run, &k.box, &k.policy, &k.exec, &none, t->cgroup.crowded ? &unused : &k.cgroup, &t->err);
	if (!r)
		r = run_launch(&k.run, &t->err);
	t->started = r == 0;
	if (!r)
		r = run_supervise(&k.run, &t->err);
	t->ended = r == 0;
	t->status = k.run.outcome.status;
	t->cgroup.known = t->started;
	keep(t, &k);
	keep_cgroup(t, &k);
	run_done(&k.run);
	cgroup_done(&k.cgroup);
}

/* Which row a failing step is. */
static enum sr_probe_id row_of(const struct trial *t)
{
	static const enum sr_probe_id rows[SR_STAGE_MAX] = {
		[SR_STAGE_START] = SR_PROBE_RUN,       [SR_STAGE_IDS] = SR_PROBE_UID_MAP,
		[SR_STAGE_PROPAGATION] = SR_PROBE_MOUNTS, [SR_STAGE_FS] = SR_PROBE_MOUNTS,
		[SR_STAGE_PIVOT] = SR_PROBE_PIVOT_ROOT, [SR_STAGE_HOSTNAME] = SR_PROBE_NAMESPACES,
		[SR_STAGE_LOOPBACK] = SR_PROBE_NETWORK, [SR_STAGE_TERMINAL] = SR_PROBE_PTY,
		[SR_STAGE_CGROUP] = SR_PROBE_NAMESPACES, [SR_STAGE_CAPS] = SR_PROBE_CAPABILITIES, [SR_STAGE_LANDLOCK] = SR_PROBE_LANDLOCK,
		[SR_STAGE_GATE] = SR_PROBE_RUN,	       [SR_STAGE_FORK] = SR_PROBE_RUN,
		[SR_STAGE_STDIO] = SR_PROBE_PTY,       [SR_STAGE_RLIMITS] = SR_PROBE_RUN,
		[SR_STAGE_SECCOMP] = SR_PROBE_SECCOMP, [SR_STAGE_EXEC] = SR_PROBE_RUN,
		[SR_STAGE_INIT] = SR_PROBE_RUN,
	};

	switch (t->err.code) {
	case SR_E_APPARMOR:
	case SR_E_NESTED:
		return SR_PROBE_USERNS;
	default:
		break;
	}
	if (t->failed_step == SR_STAGE_FS + 1 && t->failed_kind == SR_FS_PROC)
		return SR_PROBE_PROCFS;
	if (t->failed_step == SR_STAGE_FS + 1 && t->failed_kind == SR_FS_OVERLAY)
		return SR_PROBE_OVERLAY;
	if (t->failed_step == SR_STAGE_FS + 1 && t->failed_kind == SR_FS_DEVPTS)
		return SR_PROBE_PTY;
	if (t->failed_step)
		return rows[t->failed_step - 1];
	return t->planned && !t->cloned ? SR_PROBE_USERNS : SR_PROBE_RUN;
}

static void landlock_row(struct sr_probes *p, const struct trial *t)
{
	const struct sr_plan_note *n = note(t, "landlock");

	if (n && (t->landlock_answer == -EOPNOTSUPP || t->landlock_answer == 0))
		probe_bad(p, SR_PROBE_LANDLOCK, SR_PROBE_DEGRADED,
			  MEND_ROOT "add landlock to lsm= of the kernel's command line, then reboot", "%s", n->text);
	else if (n && t->landlock_answer == 1)
		probe_bad(p, SR_PROBE_LANDLOCK, SR_PROBE_DEGRADED, mend_text(MEND_KERNEL), "%s", n->text);
	else if (n)
		probe_bad(p, SR_PROBE_LANDLOCK, SR_PROBE_DEGRADED, mend_text(mend_for_refusal(-t->landlock_answer)), "%s", n->text);
	else if (t->landlock_abi < 6)
		probe_bad(p, SR_PROBE_LANDLOCK, SR_PROBE_DEGRADED, "update the kernel to Linux 6.12 or later",
			  "Landlock ABI %d: files are fenced; signals and abstract sockets (ABI 6) are held by namespaces alone",
			  t->landlock_abi);
	else
		probe_ok(p, SR_PROBE_LANDLOCK, "Landlock ABI %d: files, signals and abstract sockets are fenced", t->landlock_abi);
}

/* Rows whose step came before the one that failed, or all of them. */
static void passed_stages(struct sr_probes *p, const struct trial *t)
{
	const unsigned until = t->failed_step ? t->failed_step - 1 : SR_STAGE_MAX;

	if (until > SR_STAGE_IDS)
		probe_ok(p, SR_PROBE_UID_MAP, "the user's own id is mapped, and no other");
	if (until > SR_STAGE_FS || (until == SR_STAGE_FS && row_of(t) != SR_PROBE_MOUNTS))
		probe_ok(p, SR_PROBE_MOUNTS, "tmpfs and bind mounts can be made");
	if (until > SR_STAGE_PIVOT)
		probe_ok(p, SR_PROBE_PIVOT_ROOT, "the root can be changed and the old one unmounted");
	if (until > SR_STAGE_LOOPBACK)
		probe_ok(p, SR_PROBE_NETWORK, "an empty network with loopback can be made");
	if (until > SR_STAGE_TERMINAL)
		probe_ok(p, SR_PROBE_PTY, "a private devpts gives a terminal");
	if (until > SR_STAGE_CAPS)
		probe_ok(p, SR_PROBE_CAPABILITIES, "all capabilities can be given up, and were read back as none");
	if (until > SR_STAGE_LANDLOCK && t->started)
		landlock_row(p, t);
	if (until > SR_STAGE_SECCOMP)
		probe_ok(p, SR_PROBE_SECCOMP, "a filter of %u instructions was loaded", t->filter_count);
}

static bool has(unsigned set, enum sr_fs_kind kind)
{
	return (set & (1U << kind)) != 0;
}

static void passed_steps(struct sr_probes *p, const struct trial *t)
{
	const struct sr_plan_note *overlay = note(t, "overlay"), *sysctl = note(t, "user-sysctl");

	if (has(t->passed, SR_FS_PROC))
		probe_ok(p, SR_PROBE_PROCFS, "a fresh /proc of the sandbox alone can be mounted");
	if (overlay)
		probe_bad(p, SR_PROBE_OVERLAY, SR_PROBE_DEGRADED, "none is needed; unmount what is mounted below that folder to get it back",
			  "%s; each start looks through it for sockets", overlay->text);
	else if (has(t->passed, SR_FS_OVERLAY))
		probe_ok(p, SR_PROBE_OVERLAY, "this machine's /usr can be shown by an overlay");
	if (sysctl)
		probe_bad(p, SR_PROBE_SYSCTL, SR_PROBE_DEGRADED, mend_text(MEND_PROC_MASKED),
			  "%s; a program can use up objects that are counted per user", sysctl->text);
	else if (has(t->passed, SR_FS_SYSCTL))
		probe_ok(p, SR_PROBE_SYSCTL, "the ceilings of the sandbox's own namespaces can be lowered");
}

/* Reads what one trial showed into the rows. True when a plain run works. */
static bool read_trial(struct sr_probes *p, const struct trial *t, int r)
{
	const bool works = t->ended && t->status == 0;
	enum sr_probe_id id = row_of(t);

	if (r < 0) {
		probe_bad(p, SR_PROBE_RUN, SR_PROBE_MISSING, mend_text(mend_for_refusal(-r)), "cannot try a run: %s",
			  r == -EPERM ? "a seccomp filter killed it for a call that it made" : strerror(-r));
		return false;
	}
	if (!t->planned || (!t->cloned && id != SR_PROBE_USERNS)) {
		probe_bad(p, SR_PROBE_RUN, SR_PROBE_MISSING, t->err.hint, "%s", t->err.text);
		return false;
	}
	if (t->cloned) {
		passed_stages(p, t);
		passed_steps(p, t);
	}
	if (works) {
		p->cgroup = t->cgroup;
		return true;
	}
	if (id == SR_PROBE_USERNS || id == SR_PROBE_NAMESPACES)
		p->row[id].tried = false; /* the clone itself worked; this is what counts */
	probe_bad(p, id, SR_PROBE_MISSING, t->err.hint, "%s", t->err.text[0] ? t->err.text : "cannot run a program that does nothing");
	return false;
}

static void whole_run(struct sr_probes *p, struct trial *t)
{
	bool works;

	t->whole = true;
	works = read_trial(p, t, probe_in_child(try_run, t));

	if (works) {
		probe_ok(p, SR_PROBE_RUN, "a program ran in a whole sandbox and ended");
		return;
	}
	if (p->row[SR_PROBE_PROCFS].tried && p->row[SR_PROBE_PROCFS].state == SR_PROBE_MISSING) {
		*t = (struct trial){ .whole = true, .no_proc = true };
		works = read_trial(p, t, probe_in_child(try_run, t));
		if (works)
			probe_bad(p, SR_PROBE_RUN, SR_PROBE_MISSING, "", "a run works with --proc none, a plain one is refused");
	}
	probe_bad(p, SR_PROBE_RUN, SR_PROBE_MISSING, "", "a run is refused: see the rows that are missing");
}

/* --- runs that wait at their gate ------------------------------------------------------------------------------------- */

static const char *stage_folder(const struct sr_plan *plan)
{
	for (size_t i = 0; i < plan->fs_count; i++) {
		if (plan->fs[i].kind == SR_FS_STAGE)
			return plan->fs[i].src;
	}
	return NULL;
}

/* Prepares a run with these steps alone. Returns the folder that the last of them sends, or a negative errno. */
static int prepare_steps(struct kit *k, struct trial *t, const struct sr_fs_op *ops, size_t count)
{
	const struct sr_stdio none = { .closed = { true } };
	struct sr_msg msg;
	SR_AUTOCLOSE int work = -1;
	int fd = -1, r;

	k->box.plan.fs = ops;
	k->box.plan.fs_count = count;
	k->box.plan.pty = false;       /* it comes to its gate without these, and waits there */
	k->box.plan.landlock_abi = 0;
	r = run_prepare(&k->run, &k->box, &k->policy, &k->exec, &none, &k->cgroup, &t->err);
	while (!r) {
		r = run_receive(&k->run, &msg, &fd);
		if (r < 0)
			break;
		if (msg.type == SR_MSG_WORK && work < 0)
			work = SR_TAKE_FD(fd);
		fd_close(&fd);
		if (msg.type == SR_MSG_READY && work >= 0)
			return SR_TAKE_FD(work);
		if (msg.type == SR_MSG_FAILED)
			return run_stage_error(&k->run, &msg, &t->err);
		if (msg.type == SR_MSG_NOTE)
			t->xattr_errnum = msg.errnum;
	}
	return r < 0 ? r : -EPROTO;
}

/*
 * PID 1 of the sandbox is undumpable and alive at its gate: now /proc shows it or not. (Earlier it is this user's ordinary
 * process, and a dead one shows again.)
 */
static void finish_steps(struct kit *k, struct trial *t, int *fd)
{
	t->ended = *fd >= 0;
	keep(t, k);
	t->blind = t->ended && !proctree_visible(k->run.init);
	fd_close(fd);
	run_done(&k->run);
}

/* A single file, bound and sealed as by --bind FILE. */
static void try_seal(void *arg)
{
	static struct kit k;
	struct trial *t = arg;
	int r = plan_true(&k, t, &t->err), fd;

	t->planned = r == 0;
	if (r < 0)
		return;
	const struct sr_fs_op ops[] = {
		{ .kind = SR_FS_STAGE, .src = stage_folder(&k.box.plan), .dest = "", .data = "mode=0755" },
		{ .kind = SR_FS_MKDIR, .dest = "work", .mode = 0755 },
		{ .kind = SR_FS_BIND, .src = "/dev/null", .dest = "sealed", .flags = SR_FS_MAKE | SR_FS_READONLY },
		{ .kind = SR_FS_SEND, .dest = "work" },
	};
	fd = prepare_steps(&k, t, ops, SR_ELEMENTSOF(ops));
	finish_steps(&k, t, &fd);
}

/*
 * What a package manager or `rm -r` does in an image: a file and its folder go, the folder comes back, another is renamed.
 * EXDEV is overlayfs's ordinary answer to the rename of a lower folder, to which every program has one. Kernels whose tmpfs
 * has no user xattrs answer EIO (finding 7).
 */
static int use_overlay(int root)
{
	SR_AUTOCLOSE int fd = -1;

	if (unlinkat(root, "d/f", 0) < 0 || unlinkat(root, "d", AT_REMOVEDIR) < 0 || mkdirat(root, "d", 0755) < 0)
		return errno;
	fd = openat(root, "d/f", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "x", 1) != 1)
		return errno;
	return renameat(root, "e", root, "g") < 0 && errno != EXDEV ? errno : 0;
}

static int use_overlay_as(int root, const struct sr_plan *plan)
{
	struct sys_fsid id;
	int r;

	sys_fsid_init(&id, plan->outer_uid, plan->outer_gid);
	r = -sys_fsid_enter(&id);
	if (!r)
		r = use_overlay(root);
	return sys_fsid_leave(&id) < 0 ? EPERM : r;
}

/* The overlay of -E DIR: here both layers are in the tmpfs. */
static void try_overlay(void *arg)
{
	static struct kit k;
	struct trial *t = arg;
	SR_AUTOFREE char *options = NULL;
	int r = plan_true(&k, t, &t->err), fd;
	const char *stage = stage_folder(&k.box.plan);

	t->planned = r == 0;
	if (r < 0 || !stage)
		return;
	options = str_format("lowerdir=%s/l,upperdir=%s/u,workdir=%s/w,userxattr", stage, stage, stage);
	if (!options)
		return;
	const struct sr_fs_op ops[] = {
		{ .kind = SR_FS_STAGE, .src = stage, .dest = "", .data = "mode=0755" },
		{ .kind = SR_FS_MKDIR, .dest = "work", .mode = 0755 },
		{ .kind = SR_FS_MKDIR, .dest = "l", .mode = 0755 },
		{ .kind = SR_FS_MKDIR, .dest = "l/d", .mode = 0755 },
		{ .kind = SR_FS_FILE, .dest = "l/d/f", .mode = 0644, .data = "x", .len = 1 },
		{ .kind = SR_FS_MKDIR, .dest = "l/e", .mode = 0755 },
		{ .kind = SR_FS_MKDIR, .dest = "u", .mode = 0755 },
		{ .kind = SR_FS_MKDIR, .dest = "w", .mode = 0755 },
		{ .kind = SR_FS_MKDIR, .dest = "r", .mode = 0755 },
		{ .kind = SR_FS_XATTR, .dest = "u" },
		{ .kind = SR_FS_OVERLAY, .src = "/", .dest = "r", .data = options },
		{ .kind = SR_FS_SEND, .dest = "r" },
	};
	fd = prepare_steps(&k, t, ops, SR_ELEMENTSOF(ops));
	if (fd >= 0)
		t->overlay_errnum = use_overlay_as(fd, &k.box.plan);
	finish_steps(&k, t, &fd);
}

static void visible_row(struct sr_probes *p, const struct trial *t)
{
	if (t->blind)
		probe_bad(p, SR_PROBE_PROC_VISIBLE, SR_PROBE_DEGRADED,
			  MEND_ROOT "mount -o remount,hidepid=0 /proc, or add this user to the group of its option gid=",
			  "/proc hides the sandbox from sandrun (hidepid): no watchdog holds limits over all of its processes");
	else if (t->ended)
		probe_ok(p, SR_PROBE_PROC_VISIBLE, "/proc shows the sandbox's processes to sandrun");
}

static void seal_row(struct sr_probes *p, struct trial *t)
{
	int r;

	*t = (struct trial){ .no_proc = true };
	r = probe_in_child(try_seal, t);
	visible_row(p, t);
	if (r == 0 && t->ended)
		probe_ok(p, SR_PROBE_MOUNT_SETATTR, "what is bound can be sealed with all below it");
	else if (t->failed_step == SR_STAGE_FS + 1)
		probe_bad(p, SR_PROBE_MOUNT_SETATTR, SR_PROBE_DEGRADED, t->err.hint,
			  "--bind of a single file is refused, and a /usr that no overlay takes (mount_setattr): %s",
			  strerror(t->err.errnum));
}

static void overlay_row(struct sr_probes *p, struct trial *t)
{
	int r, e;

	*t = (struct trial){ .no_proc = true };
	r = probe_in_child(try_overlay, t);
	visible_row(p, t);
	e = t->overlay_errnum ? t->overlay_errnum : t->xattr_errnum;
	if (r == 0 && t->ended && !e)
		probe_ok(p, SR_PROBE_OVERLAY_TMPFS, "a folder of an image (-E DIR) can be removed, made anew and renamed");
	else if (r == 0 && t->ended)
		probe_bad(p, SR_PROBE_OVERLAY_TMPFS, SR_PROBE_DEGRADED,
			  mend_for_refusal(e) == MEND_NONE ? "update the kernel to Linux 6.6 or later" : mend_text(mend_for_refusal(e)),
			  "-E DIR: this kernel's tmpfs has no user xattrs (before 6.6): removing or renaming a folder of the image fails (%s)",
			  strerror(e));
	else if (t->failed_step == SR_STAGE_FS + 1)
		probe_bad(p, SR_PROBE_OVERLAY_TMPFS, SR_PROBE_DEGRADED, t->err.hint[0] ? t->err.hint : mend_text(MEND_KERNEL),
			  "-E DIR is refused: %s", t->err.text);
}

void probe_runs(struct sr_probes *p)
{
	struct trial *t = probe_shared(sizeof(*t));

	if (!t)
		return;
	if (p->row[SR_PROBE_USERNS].state != SR_PROBE_OK || p->row[SR_PROBE_NAMESPACES].state != SR_PROBE_OK) {
		probe_bad(p, SR_PROBE_RUN, SR_PROBE_MISSING, "", "a run is refused: no namespaces");
	} else {
		whole_run(p, t);
		if (p->row[SR_PROBE_MOUNTS].tried && p->row[SR_PROBE_MOUNTS].state == SR_PROBE_OK) {
			seal_row(p, t);
			overlay_row(p, t);
		}
	}
	probe_unshare(t, sizeof(*t));
}
