/* SPDX-License-Identifier: MIT */
/*
 * The payload: vfork, then the last steps in the new process, then exec.
 *
 * Between vfork and exec both processes share memory and init stands still, so the new process reports by writing into
 * the shared struct: `stage` moves on with every step and is SR_STAGE_MAX from just before execve(2). Init reads it when
 * vfork returns: SR_STAGE_MAX and no errno is the only proof that exec happened (finding 4: an end of file would prove nothing).
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "stage/stage.h"
#include "sys/kernel.h"

struct progress {
	const struct sr_stage_ctx *c;
	volatile int stage;
	volatile int errnum;
	volatile int index;
	volatile int listener; /* --learn: the number of the filter's listener, in init's table of descriptors too */
};

/* A new session, then 0, 1, 2 and nothing else. If skipped: the payload holds a descriptor of sandrun's. */
static int standard_descriptors(const struct sr_stage_ctx *c)
{
	if (setsid() < 0)
		return errno;
	for (int i = 0; i < 3; i++) {
		int fd = c->fds->payload[i] >= 0 ? c->fds->payload[i] : c->pty_slave;

		if (dup3(fd, i, 0) < 0)
			return errno;
	}
	if (c->pty_slave >= 0 && ioctl(c->pty_slave, TIOCSCTTY, 0) < 0)
		return errno;
	return 0;
}

static int rlimits(const struct sr_plan *p, struct progress *at)
{
	for (size_t i = 0; i < p->rlimit_count; i++) {
		const struct sr_rlimit_op *l = &p->rlimits[i];
		struct rlimit r = { .rlim_cur = (rlim_t)l->soft, .rlim_max = (rlim_t)l->hard };

		at->index = (int)i;
		if (setrlimit(l->resource, &r) < 0)
			return errno;
	}
	return 0;
}

int stage_filter(const struct sr_bpf *bpf, unsigned flags)
{
	struct sock_fprog prog = { .len = bpf->count, .filter = (struct sock_filter *)(uintptr_t)bpf->insns };

	return sys_seccomp_filter(&prog, flags);
}

/* Runs in the payload's process. Returns only on failure. */
static int become_payload(void *progress)
{
	struct progress *at = progress;
	const struct sr_stage_ctx *c = at->c;
	const struct sr_plan *p = c->plan;
	sigset_t none;

	at->stage = SR_STAGE_STDIO;
	if ((at->errnum = standard_descriptors(c)) != 0)
		return 127;
	at->stage = SR_STAGE_RLIMITS; /* before the filter, which forbids RLIMIT_CORE */
	if ((at->errnum = rlimits(p, at)) != 0)
		return 127;
	at->stage = SR_STAGE_LANDLOCK; /* needs no_new_privs, set in caps.c; before the filter, which may forbid it */
	if (c->ruleset_fd >= 0 && (at->errnum = -sys_landlock_restrict_self(c->ruleset_fd)) != 0)
		return 127;
	/* Landlock cannot be read back: one act that only its scope refuses shows that it stands (finding 19) */
	if (p->landlock_scoped && (kill(1, 0) == 0 || errno != EPERM)) {
		at->errnum = ENOTSUP;
		return 127;
	}
	/* All that is left is close-on-exec: this is the second lock, so a kernel without the call changes nothing. */
	(void)syscall(SYS_close_range, 3U, ~0U, p->filter_flags ? 4U : 0U); /* the table is init's too: only mark (CLOEXEC) */
	sigemptyset(&none);
	at->stage = SR_STAGE_SECCOMP; /* the last step: every call from here on is one that the payload may make */
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0) {
		at->errnum = errno;
		return 127;
	}
	at->listener = stage_filter(c->counted ? &p->counted_filter : &p->filter, p->filter_flags);
	if (at->listener < 0) {
		at->errnum = -at->listener;
		return 127;
	}
	at->stage = SR_STAGE_MAX;
	(void)execve(p->path, p->argv, p->envp);
	at->errnum = errno;
	return 127;
}

void stage_payload(struct sr_stage_ctx *c)
{
	struct progress at = { .c = c, .stage = SR_STAGE_FORK, .errnum = 0, .index = 0 };
	struct sr_msg started = { .type = SR_MSG_STARTED };
	/*
	 * --learn: both share the table of descriptors until exec as well, so that init can send the listener on. The payload's
	 * process must not: behind its filter, sendmsg may be a call that waits for an answer on that very listener.
	 */
	static char stack[16384] __attribute__((__aligned__(16)));
	pid_t pid = c->plan->filter_flags ? clone(become_payload, stack + sizeof(stack),
						  CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &at) : vfork();

	if (pid == 0) {
		(void)become_payload(&at);
		(void)syscall(SYS_exit_group, 127);
		__builtin_trap(); /* a filter that refuses even this: _exit(3) would try for ever, and init waits */
	}
	if (pid < 0)
		stage_fail(c, SR_STAGE_FORK, errno, 0);
	if (at.stage != SR_STAGE_MAX || at.errnum != 0)
		stage_fail(c, at.stage == SR_STAGE_MAX ? SR_STAGE_EXEC : (enum sr_stage)at.stage,
			   at.errnum ? at.errnum : EINTR, at.index);
	c->payload = pid;
	stage_send(c, &started, c->plan->filter_flags ? at.listener : -1);
}
