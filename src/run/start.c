/* SPDX-License-Identifier: MIT */
/*
 * From plan to gate: pipes, clone, handshake.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/proctree.h"
#include "run/run.h"
#include "stage/stage.h"
#include "sys/kernel.h"

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

uint64_t run_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

int run_stdio(struct sr_stdio *ret, struct sr_error *err)
{
	struct stat st[3];

	for (int i = 0; i < 3; i++) {
		ret->closed[i] = fstat(i, &st[i]) < 0;
		/* open(2) takes the lowest free number: this one, because those below are open by now */
		if (ret->closed[i] && open("/dev/null", i == 0 ? O_RDONLY : O_WRONLY) != i)
			return sr_error_set(err, SR_E_SETUP, EBADF, "sandbox",
					    "cannot open /dev/null for closed descriptor %d", i);
		ret->tty[i] = !ret->closed[i] && S_ISCHR(st[i].st_mode) && isatty(i);
	}
	ret->merged = !ret->closed[1] && !ret->closed[2] && st[1].st_dev == st[2].st_dev && st[1].st_ino == st[2].st_ino;
	return 0;
}

/* One pipe: our end does not block and is ours alone; the payload's end is an ordinary one. */
static int make_pipe(int payload_end, int *ret_ours, int *ret_payload)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ret_payload = fds[payload_end];
	*ret_ours = fds[!payload_end];
	return fcntl(*ret_ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int make_pipes(struct sr_run *run, struct sr_child_fds *child, struct sr_error *err)
{
	int r = 0;

	for (int i = 0; i < 3 && !r; i++) {
		child->payload[i] = -1;
		if (run->stdio.tty[i])
			continue;
		if (i == 2 && run->stdio.merged && child->payload[1] >= 0) {
			child->payload[2] = fcntl(child->payload[1], F_DUPFD_CLOEXEC, 3);
			r = child->payload[2] < 0 ? -errno : 0;
			continue;
		}
		r = make_pipe(i == 0 ? 0 : 1, &run->payload_fd[i], &child->payload[i]);
		/* run by root: the payload may re-open /dev/stdout only if the pipe is its own (finding 13) */
		if (!r && run->box->plan.borrowed_id &&
		    fchown(child->payload[i], run->box->plan.outer_uid, run->box->plan.outer_gid) < 0)
			r = -errno;
	}
	if (!r && child->payload[0] >= 0 && lseek(0, 0, SEEK_CUR) >= 0)
		run->in_probe = fcntl(child->payload[0], F_DUPFD_CLOEXEC, 3); /* -1: the offset stays where it is */
	if (r < 0)
		return sr_error_set(err, SR_E_SETUP, -r, "sandbox", "cannot make pipes for the program: %s", strerror(-r));
	return 0;
}

/* clone(2) for where clone3 answers ENOSYS (container filters): the same flags, the stack shared copy-on-write as by fork. */
static pid_t clone_old(uint64_t flags, int *pidfd)
{
	return (pid_t)sys_ret(syscall(SYS_clone, flags | SIGCHLD, 0, pidfd, 0, 0)); /* CLONE_PIDFD: stored where ptid would be */
}

static pid_t clone_child(const struct sr_plan *plan, int cgroup_fd, int *pidfd)
{
	struct sys_clone_args args = {
		.flags = (plan->host_network ? NAMESPACES & ~(uint64_t)CLONE_NEWNET : NAMESPACES) | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};
	long r;

	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
		return (pid_t)sys_ret(syscall(SYS_clone3, &args, sizeof(args)));
	}
	r = sys_ret(syscall(SYS_clone3, &args, sizeof(args)));

	return r == -ENOSYS || r == -EPERM ? clone_old(args.flags, pidfd) : (pid_t)r; /* EPERM: older filters deny what they do not know */
}

/*
 * Run by root: the new user namespace must belong to the borrowed id, so it is the effective one while cloning. Root's
 * real and saved ids bring it back. Supplementary groups go for good: they would stay with the payload (finding 5).
 */
static int borrow(const struct sr_plan *plan)
{
	if (setgroups(0, NULL) < 0 || setresgid((gid_t)-1, plan->outer_gid, (gid_t)-1) < 0 ||
	    setresuid((uid_t)-1, plan->outer_uid, (uid_t)-1) < 0)
		return -errno;
	return geteuid() == plan->outer_uid && getegid() == plan->outer_gid ? 0 : -EPERM;
}

static int give_back(void)
{
	return setresuid((uid_t)-1, 0, (uid_t)-1) < 0 || setresgid((gid_t)-1, 0, (gid_t)-1) < 0 ? -errno : 0;
}

static int start_child(struct sr_run *run, const struct sr_child_fds *child, struct sr_error *err)
{
	struct sr_plan *plan = &run->box->plan;
	int r = plan->borrowed_id ? borrow(plan) : 0;

	if (r < 0)
		return sr_error_set(err, SR_E_NAMESPACE, -r, "sandbox", "cannot take on an unused user id: %s", strerror(-r));
	/* born in its cgroup where that can be; as another user (root's borrowed id) or without clone3 it is moved afterwards */
	if (plan->cgroup && !plan->cgroup_wait) {
		const struct sr_bpf ordinary = plan->filter;

		if (run->cgroup->controllers & SR_CGROUP_MEMORY)
			plan->filter = plan->counted_filter;
		run->init = clone_child(plan, run->cgroup->dir_fd, &run->pidfd);
		if (run->init < 0) { /* the child will hear which filter it is */
			plan->filter = ordinary;
			plan->cgroup_wait = true;
		}
	}
	if (run->init < 0)
		run->init = clone_child(plan, -1, &run->pidfd);
	if (run->init == 0)
		stage_child(plan, child);
	if (plan->borrowed_id && give_back() < 0) {
		if (run->init > 0)
			(void)sys_pidfd_send_signal(run->pidfd, SIGKILL);
		return sr_error_set(err, SR_E_NAMESPACE, EPERM, "sandbox", "cannot return to the caller's user id");
	}
	if (run->init < 0)
		return run_clone_error(-run->init, err);
	return 0;
}

static void run_init(struct sr_run *run)
{
	memset(run, 0, sizeof(*run));
	run->init = -1;
	run->pidfd = run->ctl = run->work_fd = run->pty_master = run->signal_fd = run->in_probe = -1;
	for (int i = 0; i < 3; i++)
		run->payload_fd[i] = -1;
	stream_init(&run->in, -1, -1);
	stream_init(&run->out, -1, -1);
	stream_init(&run->err, -1, -1);
	stream_init(&run->tty_in, -1, -1);
}

static int refuse_fallback(const struct sr_policy *p, const char *text, struct sr_error *err)
{
	char shown[128];

	if (p->strict_by_profile) {
		(void)sr_error_set(err, SR_E_LIMIT_FALLBACK, ENOTSUP, "sandbox", "cannot run: profile %s takes no fallback: %s",
				   str_escape(p->profile_name, shown, sizeof(shown)), text);
		sr_error_hint(err, "sandrun doctor says what this machine lacks; --no-strict accepts the fallback and keeps the rest of the profile");
	} else { /* --strict, or "strict = yes" of a configuration file */
		(void)sr_error_set(err, SR_E_LIMIT_FALLBACK, ENOTSUP, "sandbox", "cannot run with --strict: %s", text);
		sr_error_hint(err, "sandrun doctor says what this machine lacks; leave --strict out to accept the fallback, or set that limit to unlimited");
	}
	return -ENOTSUP;
}

int run_refuse_degraded(const struct sr_policy *p, const struct sr_plan_box *box, struct sr_error *err)
{
	if (!p->strict)
		return 0;
	for (size_t i = 0; i < box->note_count; i++) {
		const struct sr_plan_note *n = &box->notes[i];

		if (n->degraded)
			return refuse_fallback(p, n->text, err);
	}
	return 0;
}

static int refuse_degraded(const struct sr_run *run, struct sr_error *err)
{
	return run_refuse_degraded(run->policy, run->box, err);
}

/* What the cgroup does not hold is noted as soon as that is known, and refused by --strict. */
static int settle_cgroup(struct sr_run *run, struct sr_error *err)
{
	cgroup_notes(run->cgroup, run->policy, run->box);
	return refuse_degraded(run, err);
}

/* The run's cgroup, as far as it can be made before there is a process. */
static int prepare_cgroup(struct sr_run *run, struct sr_error *err)
{
	struct sr_plan *plan = &run->box->plan;
	enum sr_cgroup_way way = run->cgroup->way;

	if (way == SR_CGROUP_NONE)
		return 0;
	cgroup_make(run->cgroup, run->policy);
	if (run->cgroup->way == SR_CGROUP_NONE)
		return settle_cgroup(run, err);
	plan->cgroup = true;
	plan->cgroup_wait = way == SR_CGROUP_SCOPE || plan->borrowed_id;
	return way == SR_CGROUP_SCOPE ? 0 : settle_cgroup(run, err);
}

/* The child waits for this word before it gives its capabilities away; everything before that goes on meanwhile. */
static int place(struct sr_run *run, struct sr_error *err)
{
	bool scope = run->cgroup->way == SR_CGROUP_SCOPE;
	int r = 0;

	if (!run->box->plan.cgroup_wait)
		return 0;
	run->cgroup->stop_fd = run->signal_fd;
	r = cgroup_place(run->cgroup, run->policy, run->init);
	run->cgroup->stop_fd = -1;
	if (r == -EINTR)
		return sr_error_set(err, SR_E_SETUP, EINTR, "sandbox", "cannot start the program: a signal came first");
	if (r < 0) {
		(void)sr_error_set(err, SR_E_SETUP, -r, "sandbox",
				   "cannot limit the run: the systemd manager was asked for a scope and does not answer");
		sr_error_hint(err, "try again; with XDG_RUNTIME_DIR unset nobody is asked, and the fallbacks hold the limits");
		return r;
	}
	if (scope || run->cgroup->way == SR_CGROUP_NONE)
		r = settle_cgroup(run, err);
	if (!r)
		/* EPIPE: it is dead; what it said before that is still to be read */
		(void)run_send(run, SR_MSG_PLACED, run->cgroup->controllers & SR_CGROUP_MEMORY ? 1 : 0);
	return r;
}

/*
 * Sleeps until init says that it runs. Some kernels put a new process on its parent's processor and leave it there although
 * another is idle; one that wakes is put where there is room. What is done meanwhile would else be in init's way.
 */
static void await_mapping(struct sr_run *run)
{
	struct sr_msg msg;
	ssize_t n;

	do
		n = recv(run->ctl, &msg, sizeof(msg), MSG_PEEK);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(msg) && msg.type == SR_MSG_MAPPING) /* else a failure, which stays for who reads it */
		(void)recv(run->ctl, &msg, sizeof(msg), 0);
}

static int watch_gate(struct sr_run *run, struct sr_error *err);

int run_prepare(struct sr_run *run, struct sr_plan_box *box, const struct sr_policy *policy, const struct sr_exec *exec,
		const struct sr_stdio *stdio, struct sr_cgroup *cgroup, struct sr_error *err)
{
	struct sr_child_fds child = { .ctl = -1, .payload = { -1, -1, -1 } };
	int pair[2], r;

	struct sr_tracelog *trace_log = run->trace_log;

	run_init(run);
	run->trace_log = trace_log;
	run->box = box;
	run->policy = policy;
	run->exec = exec;
	run->stdio = *stdio;
	run->cgroup = cgroup;
	r = refuse_degraded(run, err);
	if (!r)
		r = prepare_cgroup(run, err);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return sr_error_set(err, SR_E_SETUP, errno, "sandbox", "cannot make a control socket: %s", strerror(errno));
	run->ctl = pair[0];
	child.ctl = pair[1];
	child.supervisor = pair[0];
	r = make_pipes(run, &child, err);
	if (!r)
		r = start_child(run, &child, err);
	run->outcome.phases.cloned = run_now();
	fd_close(&child.ctl);
	for (int i = 0; i < 3; i++)
		fd_close(&child.payload[i]);
	if (!r && box->plan.watched)
		r = watch_gate(run, err);
	if (!r && box->plan.observed) {
		await_mapping(run);
		r = observe_namespaces(run->init, &run->observed, err);
	}
	if (!r && box->plan.observed)
		(void)run_send(run, SR_MSG_OBSERVED, 0); /* EPIPE: it is dead; what it said before that is still to be read */
	return r;
}

int run_send(struct sr_run *run, unsigned type, int index)
{
	struct sr_msg msg = { .type = type, .index = index };

	return send(run->ctl, &msg, sizeof(msg), MSG_NOSIGNAL) == (ssize_t)sizeof(msg) ? 0 : -errno;
}

int run_receive(struct sr_run *run, struct sr_msg *msg, int *ret_fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = msg, .iov_len = sizeof(*msg) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf) };
	struct cmsghdr *cm;
	ssize_t n;

	*ret_fd = -1;
	/* ECONNRESET, once: it died with a word of ours unread; what it said before is still to be read, unix(7) */
	do
		n = recvmsg(run->ctl, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return -errno;
	cm = CMSG_FIRSTHDR(&mh);
	if (cm && cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS && cm->cmsg_len == CMSG_LEN(sizeof(int)))
		*ret_fd = *(int *)(void *)CMSG_DATA(cm);
	if (n != (ssize_t)sizeof(*msg) || (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		fd_close(ret_fd);
		return n == 0 ? -EPIPE : -EPROTO;
	}
	return 0;
}

/* A step took its fallback. Only those that the plan knows are accepted, and only with what proves them harmless. */
static int judge_note(struct sr_run *run, const struct sr_msg *msg, struct sr_error *err)
{
	const struct sr_plan *plan = &run->box->plan;
	const struct sr_fs_op *op;
	SR_AUTOFREE char *found = NULL;
	char shown[256];
	int r;

	if (msg->index < 0 || (size_t)msg->index >= plan->fs_count)
		return sr_error_set(err, SR_E_INTERNAL, EPROTO, "sandbox", "cannot understand the sandbox's message");
	op = &plan->fs[msg->index];
	switch (op->kind) {
	case SR_FS_OVERLAY:
		r = run_prove_no_sockets(op->src, &found);
		if (r < 0) {
			(void)sr_error_set(err, SR_E_MOUNT, -r, "sandbox", "cannot show %s safely: %s", op->src,
					   found ? "a socket or FIFO is in it" : strerror(-r));
			if (found)
				sr_error_hint(err, "the kernel refused an overlay (%s); without one, remove %s",
					      strerror(msg->errnum), str_escape(found, shown, sizeof(shown)));
			return r;
		}
		plan_note(run->box, false, "overlay", "%s is a read-only bind: the kernel refused an overlay (%s)", op->src,
			  strerror(msg->errnum));
		return 0;
	case SR_FS_SYSCTL:
		plan_note(run->box, true, "user-sysctl", "cannot lower %s here: %s", op->src, strerror(msg->errnum));
		return 0;
	case SR_FS_XATTR:
		plan_note(run->box, true, "overlay-xattr",
			  "this kernel's tmpfs has no user xattrs (before 6.6): removing or renaming a folder of the image fails");
		return 0;
	default:
		return sr_error_set(err, SR_E_INTERNAL, EPROTO, "sandbox", "cannot accept a fallback of step %d", msg->index);
	}
}

/* The child is gone without a message. */
static int died(const struct sr_run *run, int errnum, struct sr_error *err)
{
	struct sr_cgroup_usage u = { .own_ooms = 0 };

	if (run->cgroup->dir_fd >= 0)
		cgroup_usage(run->cgroup, &u);
	if (!u.own_ooms)
		return sr_error_set(err, SR_E_SETUP, -errnum, "sandbox",
				    "cannot set up the sandbox: its first process died without a word");
	(void)sr_error_set(err, SR_E_SETUP, ENOMEM, "sandbox", "cannot start the program: the memory limit is too small for it");
	sr_error_hint(err, "raise it: -m 64M");
	return -ENOMEM;
}

/*
 * Reads the next message of the set-up. Notes are judged here and counted; a failure becomes words.
 * Returns the type of the message, or a negative errno.
 */
static int next_message(struct sr_run *run, int *ret_fd, struct sr_error *err)
{
	for (;;) {
		struct sr_msg msg;
		int r = run_receive(run, &msg, ret_fd);

		if (r < 0)
			return died(run, r, err);
		if (msg.type == SR_MSG_FAILED) {
			fd_close(ret_fd);
			return run_stage_error(run, &msg, err);
		}
		if (msg.type != SR_MSG_NOTE)
			return (int)msg.type;
		fd_close(ret_fd);
		r = judge_note(run, &msg, err);
		if (!r)
			r = refuse_degraded(run, err);
		if (r < 0)
			return r;
		run->notes++;
	}
}

static int unexpected(struct sr_error *err)
{
	return sr_error_set(err, SR_E_INTERNAL, EPROTO, "sandbox", "cannot follow the sandbox's messages");
}

/* --learn, --trace: the child waits before anything else. */
static int watch_gate(struct sr_run *run, struct sr_error *err)
{
	int fd = -1, type = next_message(run, &fd, err), r;

	fd_close(&fd);
	if (type < 0)
		return type;
	if (type != SR_MSG_READY)
		return unexpected(err);
	if (run->trace_log)
		run->trace = trace_record_start(run->init, run->trace_log, run->policy->record_args && !run->policy->private_args, err);
	else
		run->learn = learn_new(run->init, run->box, err);
	if (!run->learn && !run->trace)
		return -ECANCELED;
	r = run_send(run, SR_MSG_GO, 0);
	return r < 0 && r != -EPIPE && r != -ECONNRESET ? unexpected(err) : 0; /* dead: the next message says why */
}

int run_files(struct sr_run *run, struct sr_snapshot *snapshot, struct sr_error *err)
{
	int type = next_message(run, &run->work_fd, err), r;

	if (type < 0)
		return type;
	run->outcome.phases.work = run_now();
	if (type != SR_MSG_WORK || run->work_fd < 0)
		return unexpected(err);
	snapshot->salt = run->salt;
	r = snapshot_copy(snapshot, run->exec, run->work_fd, run->box->plan.outer_uid, run->box->plan.outer_gid, err);
	run->outcome.phases.files = run_now();
	return r;
}

static int go(struct sr_run *run, struct sr_error *err)
{
	int r;

	run->outcome.phases.go = run_now();
	r = run_send(run, SR_MSG_GO, run->notes);
	if (r == -EPIPE || r == -ECONNRESET)
		return 0; /* it is dead; what it said before that is still to be read and says why */
	return r < 0 ? sr_error_set(err, SR_E_SETUP, -r, "sandbox", "cannot open the sandbox's gate: %s", strerror(-r)) : 0;
}

/*
 * A machine's /proc may hide processes (hidepid) or list no children: then nothing holds what the watchdog would. To be
 * asked when init is as undumpable as it will be: before, even hidepid shows it. And not before the first look would be, where
 * nothing is to be refused: a run that ends before that costs no reading of /proc.
 */
int run_check_sight(struct sr_run *run, struct sr_error *err)
{
	if (run->box->counted || run->blind || proctree_visible(run->init))
		return 0;
	run->blind = true;
	if (policy_limit(run->policy, SR_LIMIT_memory_bytes) != SR_UNLIMITED ||
	    policy_limit(run->policy, SR_LIMIT_cpu_ns) != SR_UNLIMITED ||
	    policy_limit(run->policy, SR_LIMIT_cpu_window) != SR_UNLIMITED)
		plan_note(run->box, true, "watchdog",
			  "memory and CPU limits: /proc here hides the sandbox (hidepid?); only rlimits of each process hold");
	return refuse_degraded(run, err);
}

/* The child waits at its gate: it has a terminal to hand over, took fallbacks, or was faster than we. */
static int at_the_gate(struct sr_run *run, int fd, struct sr_error *err)
{
	bool told = run->outcome.phases.go != 0;
	int r = run->policy->strict ? run_check_sight(run, err) : 0;

	run->outcome.phases.ready = run_now();
	if (r < 0) {
		fd_close(&fd);
		return r;
	}
	if (run->box->plan.pty) {
		run->pty_master = fd;
		if (fd < 0)
			return sr_error_set(err, SR_E_TERMINAL, EPROTO, "terminal", "cannot get the private terminal");
		terminal_start(run); /* before the program can look at its terminal's size and modes */
	} else {
		fd_close(&fd);
	}
	return told && run->notes == 0 ? 0 : go(run, err);
}

int run_launch(struct sr_run *run, struct sr_error *err)
{
	int fd, type, r = run_watch_signals(run, err);

	if (!r)
		r = place(run, err);
	run->box->counted = run->cgroup->controllers & SR_CGROUP_MEMORY;
	/* what --strict may still refuse is known at the gate only */
	if (!r && !run->box->plan.pty && run->notes == 0 && !(run->policy->strict && !run->box->counted))
		r = go(run, err); /* nothing is left to do here: the word is there before the child comes to its gate */
	while (!r && !run->started) {
		type = next_message(run, &fd, err);
		if (type == SR_MSG_READY) {
			r = at_the_gate(run, fd, err);
			continue;
		}
		run->started = type == SR_MSG_STARTED;
		if (run->started && run->learn)
			r = learn_take(run->learn, SR_TAKE_FD(fd), err);
		else if (!run->started)
			r = type < 0 ? type : unexpected(err);
		if (type >= 0)
			fd_close(&fd);
	}
	run->outcome.phases.started = run->outcome.executed_ns = run_now();
	cgroup_started(run->cgroup);
	return r < 0 || !run->box->plan.observed ? r : observe_payload(run->init, &run->observed, err); /* run_done() kills what is seen to lack a layer */
}

void run_done(struct sr_run *run)
{
	terminal_restore(run);
	if (run->init > 0 && run->pidfd >= 0) {
		siginfo_t info;

		/* SIGKILL to PID 1 takes the whole namespace; a run that ended well is past it already */
		(void)sys_pidfd_send_signal(run->pidfd, SIGKILL);
		fd_close(&run->ctl); /* where a container's filter forbids that call: end of file ends init as well */
		while (waitid((idtype_t)3 /* P_PIDFD */, (id_t)run->pidfd, &info, WEXITED) < 0 && errno == EINTR)
			;
		run->init = -1;
	}
	watchdog_done(&run->watchdog);
	stream_close(&run->in);
	stream_close(&run->out);
	stream_close(&run->err);
	stream_close(&run->tty_in);
	if (run->salt) {
		secret_wipe(&run->in.measure, sizeof(run->in.measure));
		secret_wipe(&run->out.measure, sizeof(run->out.measure));
		secret_wipe(&run->err.measure, sizeof(run->err.measure));
		secret_wipe(run->tail, sizeof(run->tail));
	}
	for (int i = 0; i < 3; i++)
		fd_close(&run->payload_fd[i]);
	fd_close(&run->ctl);
	fd_close(&run->pidfd);
	fd_close(&run->work_fd);
	fd_close(&run->pty_master);
	fd_close(&run->signal_fd);
	fd_close(&run->in_probe);
	learn_free(run->learn);
	run->learn = NULL;
	trace_record_finish(run->trace);
	trace_record_free(run->trace);
	run->trace = NULL;
}
