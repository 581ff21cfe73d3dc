/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The supervisor clones a child into new user, pid, mount, network, ipc, uts and cgroup namespaces. That child is PID 1 of
 * the sandbox ("init"). It walks the steps below, each with the rights that the step before left, waits at the gate for the
 * supervisor's word, starts the payload with vfork and stays behind to reap, to forward signals and to kill what is left.
 *
 *	supervisor (outside)          init (PID 1)                      payload (PID 2)
 *	clone3 ------------------->   ids, mounts, pivot, network
 *	files into /work  <--WORK--   hostname, no capabilities
 *	observe           <--READY-   gate
 *	        ------------GO---->   vfork ------------------------->  session, stdio, limits,
 *	                              own Landlock, own filter          Landlock, filter, exec
 *	        <---------STARTED--   poll(control, SIGCHLD)
 *	        ----------SIGNAL-->   kill(payload)
 *	        <----------EXITED--   kill(-1), reap all, usage         (dead)
 *
 * Init shares the payload's memory only until exec, when vfork returns. It is not dumpable and has no capability before
 * the payload exists, which can neither trace it nor read /proc/1/ (finding 1); Landlock and a filter of its own follow once
 * the payload runs.
 *
 * The order is the argument; every step says what it needs, what it gives up and what an attacker gains if it is skipped.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stage/stage.h"
#include "sys/kernel.h"

/* Sends one message, with a descriptor when fd >= 0. A supervisor that is gone means the end of everything here. */
void stage_send(const struct sr_stage_ctx *c, const struct sr_msg *msg, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .buf = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)msg, .iov_len = sizeof(*msg) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *cm;

		mh.msg_control = control.buf;
		mh.msg_controllen = sizeof(control.buf);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		*(int *)(void *)CMSG_DATA(cm) = fd;
	}
	if (sendmsg(c->fds->ctl, &mh, MSG_NOSIGNAL) != (ssize_t)sizeof(*msg))
		_exit(1);
}

void stage_fail(const struct sr_stage_ctx *c, enum sr_stage stage, int errnum, int index)
{
	struct sr_msg msg = { .type = SR_MSG_FAILED, .stage = stage, .errnum = errnum, .index = index };

	stage_send(c, &msg, -1);
	_exit(1);
}

/*
 * Dies with the supervisor, whatever happens to it: by signal, and by end of file on the control socket for a supervisor
 * that was dead before the signal was asked for. Every signal is blocked from here on (init reads SIGCHLD from a
 * descriptor; the payload gets an empty mask). A signal that the caller ignored (nohup) is default again for the payload.
 * If skipped: a sandbox that outlives a killed sandrun.
 */
static void stage_start(struct sr_stage_ctx *c)
{
	sigset_t all, child;
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	(void)close(c->fds->supervisor);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		stage_fail(c, SR_STAGE_START, errno, 0);
	for (int sig = 1; sig < 32; sig++)
		(void)sigaction(sig, &dfl, NULL); /* EINVAL for SIGKILL and SIGSTOP */
	sigfillset(&all);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		stage_fail(c, SR_STAGE_START, errno, 1);
	c->sigchld_fd = signalfd(-1, &child, SFD_CLOEXEC);
	if (c->sigchld_fd < 0)
		stage_fail(c, SR_STAGE_START, errno, 2);
	if (setsid() < 0) /* else /dev/tty inside would be the caller's terminal */
		stage_fail(c, SR_STAGE_START, errno, 3);
}

/*
 * Waits for the supervisor's word: files are in, the terminal is set, every fallback taken here was accepted. A run that
 * needs none of this finds the word waiting and goes on without a switch of processes.
 */
void stage_gate(const struct sr_stage_ctx *c)
{
	struct sr_msg msg = { .type = SR_MSG_READY };
	bool told = false;

	for (;;) {
		ssize_t n = recv(c->fds->ctl, &msg, sizeof(msg), told ? 0 : MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN && !told) {
			msg = (struct sr_msg){ .type = SR_MSG_READY };
			stage_send(c, &msg, c->plan->pty ? c->pty_master : -1);
			told = true;
			continue;
		}
		if (n != (ssize_t)sizeof(msg))
			_exit(1); /* end of file or worse: never on to the payload */
		if (msg.type == SR_MSG_GO && msg.index == c->notes)
			return;
		if (msg.type != SR_MSG_GO) /* SR_MSG_KILL, or anything unknown */
			_exit(1);
	}
}

void stage_child(const struct sr_plan *plan, const struct sr_child_fds *fds)
{
	struct sr_stage_ctx c = {
		.plan = plan,
		.fds = fds,
		.lower_fd = -1,
		.ruleset_fd = -1,
		.init_ruleset_fd = -1,
		.pty_master = -1,
		.pty_slave = -1,
		.sigchld_fd = -1,
	};

	stage_start(&c);
	if (plan->watched)
		stage_gate(&c);     /* --learn, --trace: the supervisor attaches while this process may still be traced */
	stage_ids(&c);              /* before all else: the next steps need the capabilities that a mapped id has */
	stage_fs(&c);               /* after ids: mounts belong to the inside user */
	stage_pivot(&c);            /* after fs: from here on no path reaches the host */
	stage_net(&c);              /* needs CAP_NET_ADMIN and CAP_SYS_ADMIN */
	stage_terminal(&c);         /* after pivot: the private devpts */
	stage_landlock_prepare(&c); /* after the last mount: rules are tied to the final tree */
	stage_caps(&c);             /* last step that needed a capability is done; before anything untrusted exists */
	stage_gate(&c);
	stage_payload(&c);          /* vfork: session, stdio, rlimits, Landlock, filter, exec */
	stage_init(&c);
}
