/* SPDX-License-Identifier: MIT */
/*
 * PID 1 of the sandbox: reaps, forwards signals, kills what the payload leaves, reports usage.
 *
 * It is trusted and lives beside hostile code, so it keeps nothing to steal and nothing to steer (finding 1): not
 * dumpable, no capabilities, descriptors 0 (control) and 1 (SIGCHLD) only, a Landlock ruleset that allows no file, a filter
 * with a dozen calls, argv and environment wiped.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/stage.h"
#include "sys/kernel.h"

#define CTL 0
#define CHILD 1

/* The caller's arguments and environment may hold secrets; this process inherited the supervisor's memory. */
static void wipe(char *const *strings)
{
	for (; strings && *strings; strings++) {
		for (volatile char *p = *strings; *p; p++)
			*p = 0;
	}
}

static void lock_down(struct sr_stage_ctx *c)
{
	/* every signal is blocked here and stays queued: the payload must not fill the user's quota with them */
	const struct rlimit few = { .rlim_cur = 64, .rlim_max = 64 };
	int r;

	wipe(c->plan->caller_argv);
	wipe(environ);
	(void)setrlimit(RLIMIT_SIGPENDING, &few); /* lowering cannot fail */
	(void)prctl(PR_SET_NAME, "sandrun-init"); /* cosmetic */
	if (c->init_ruleset_fd >= 0) {
		r = sys_landlock_restrict_self(c->init_ruleset_fd);
		if (r < 0)
			stage_fail(c, SR_STAGE_INIT, -r, 0);
	}
	/* 0, 1, 2 are the caller's here: they go first of all */
	if (dup3(c->fds->ctl, CTL, O_CLOEXEC) < 0 || dup3(c->sigchld_fd, CHILD, O_CLOEXEC) < 0)
		stage_fail(c, SR_STAGE_INIT, errno, 1);
	if (sys_close_range(2, ~0U) < 0) {
		for (int fd = 2; fd < 1024; fd++) /* a container's filter without close_range; sandrun opens few */
			(void)close(fd);
	}
	if (stage_filter(&c->plan->init_filter, 0) != 0)
		_exit(1);
}

static void __attribute__((__noreturn__)) finish(int wait_status)
{
	struct sr_msg msg = { .type = SR_MSG_EXITED, .wait_status = wait_status };
	struct rusage ru;

	(void)kill(-1, SIGKILL); /* ESRCH: nobody is left */
	while (wait4(-1, NULL, __WALL, NULL) > 0 || errno == EINTR)
		;
	if (getrusage(RUSAGE_CHILDREN, &ru) == 0) {
		msg.user_us = (uint64_t)ru.ru_utime.tv_sec * 1000000U + (uint64_t)ru.ru_utime.tv_usec;
		msg.system_us = (uint64_t)ru.ru_stime.tv_sec * 1000000U + (uint64_t)ru.ru_stime.tv_usec;
		msg.max_rss_kb = (uint64_t)ru.ru_maxrss;
	}
	(void)!write(CTL, &msg, sizeof(msg)); /* nobody may be there any more: then nobody needs it */
	_exit(0);
}

static void reap(pid_t payload)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	(void)!read(CHILD, &info, sizeof(info));
	while ((pid = wait4(-1, &status, WNOHANG | __WALL, NULL)) > 0) {
		if (pid == payload)
			finish(status);
	}
}

static void obey(pid_t payload)
{
	struct sr_msg msg;
	ssize_t n = read(CTL, &msg, sizeof(msg));

	if (n < 0 && errno == EINTR)
		return;
	if (n != (ssize_t)sizeof(msg))
		_exit(1); /* the supervisor is gone, and with PID 1 goes the whole namespace */
	switch (msg.type) {
	case SR_MSG_SIGNAL:
		(void)kill(payload, msg.index); /* ESRCH cannot be: init alone reaps it */
		break;
	case SR_MSG_SIGNAL_GROUP:
		(void)kill(-payload, msg.index); /* it leads its session, so its group has its number */
		break;
	case SR_MSG_SIGNAL_ALL:
		(void)kill(-1, msg.index);
		break;
	case SR_MSG_KILL:
		(void)kill(-1, SIGKILL); /* reap() sees the payload end and reports */
		break;
	default:
		_exit(1);
	}
}

void stage_init(struct sr_stage_ctx *c)
{
	struct pollfd fds[2] = { { .fd = CTL, .events = POLLIN }, { .fd = CHILD, .events = POLLIN } };

	lock_down(c);
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			_exit(1);
		if (fds[1].revents)
			reap(c->payload);
		if (fds[0].revents)
			obey(c->payload);
	}
}
