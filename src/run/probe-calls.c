/* SPDX-License-Identifier: MIT */
/*
 * Single system calls. A run does without most of these by a fallback, so its success would not show what they do.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/mend.h"
#include "run/probe.h"
#include "run/run.h"
#include "sys/kernel.h"

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

struct call {
	uint64_t flags; /* for clone */
	bool old_clone; /* clone(2), not clone3(2) */
	int errnum;     /* the answer, 0: it works */
	int errnum2;    /* pidfd: of waitid(2) */
};

/* A child that ends at once, in new namespaces. */
static int clone_and_end(const struct call *c)
{
	struct sys_clone_args args = { .flags = c->flags, .exit_signal = SIGCHLD };
	long pid = c->old_clone ? sys_ret(syscall(SYS_clone, c->flags | SIGCHLD, 0, NULL, 0, 0)) :
				  sys_ret(syscall(SYS_clone3, &args, sizeof(args)));

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return (int)-pid;
	while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static void try_clone(void *arg)
{
	struct call *c = arg;

	c->errnum = clone_and_end(c);
}

/* As run/start.c does it: clone3, and clone where that is not there. */
static void try_namespaces(void *arg)
{
	struct call *c = arg;

	c->errnum = clone_and_end(c);
	if (c->errnum == ENOSYS || c->errnum == EPERM) {
		c->old_clone = true;
		c->errnum = clone_and_end(c);
	}
}

static void try_pidfd(void *arg)
{
	struct call *c = arg;
	siginfo_t info;
	int pidfd = -1;
	long pid = sys_ret(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0));

	if (pid == 0)
		_exit(0); /* it stays to be signalled until it is waited for */
	if (pid < 0) {
		c->errnum = c->errnum2 = (int)-pid;
		return;
	}
	c->errnum = -sys_pidfd_send_signal(pidfd, SIGKILL);
	if (waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, WEXITED) < 0)
		c->errnum2 = errno;
}

static void try_openat2(void *arg)
{
	struct call *c = arg;
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	c->errnum = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how)) < 0 ? errno : 0;
}

static void try_close_range(void *arg)
{
	struct call *c = arg;

	c->errnum = -sys_close_range(3, ~0U);
}

#define KILLED (-1)

/* The errno that fn left, or KILLED by a filter. */
static int outcome(void (*fn)(void *arg), struct call *c)
{
	int r = probe_in_child(fn, c);

	return r == -EPERM ? KILLED : r < 0 ? -r : c->errnum;
}

/* The words for clone's answer, as a run has them. */
static void clone_error(int answer, struct sr_error *err)
{
	(void)run_clone_error(answer == KILLED ? EPERM : answer, err);
}

static const char *mend_of(int errnum)
{
	return mend_text(mend_for_refusal(errnum));
}

static void row(struct sr_probes *p, enum sr_probe_id id, const char *call, int errnum, const char *lost)
{
	if (errnum == 0)
		probe_ok(p, id, "%s works", call);
	else if (errnum == KILLED)
		probe_bad(p, id, SR_PROBE_MISSING, mend_of(EPERM), "%s: a seccomp filter kills whoever calls it", call);
	else
		probe_bad(p, id, SR_PROBE_DEGRADED, mend_of(errnum), "%s: %s; %s", call, strerror(errnum), lost);
}

static void pidfd_row(struct sr_probes *p, struct call *c)
{
	int r;

	*c = (struct call){ .errnum = 0 };
	r = outcome(try_pidfd, c);
	if (c->errnum2)
		probe_bad(p, SR_PROBE_PIDFD, SR_PROBE_MISSING, mend_of(c->errnum2), "cannot wait for a process by its pidfd: %s",
			  strerror(c->errnum2));
	row(p, SR_PROBE_PIDFD, "pidfd_send_signal", r, "a sandbox is ended by closing its control socket instead");
}

void probe_calls(struct sr_probes *p)
{
	struct call *c = probe_shared(sizeof(*c));

	if (!c)
		return;
	row(p, SR_PROBE_CLONE3, "clone3", outcome(try_clone, c),
	    "clone is used instead; no sandbox can be started right inside its cgroup");
	pidfd_row(p, c);
	*c = (struct call){ .errnum = 0 };
	row(p, SR_PROBE_OPENAT2, "openat2", outcome(try_openat2, c),
	    "paths are walked component by component instead: as safe, slower");
	*c = (struct call){ .errnum = 0 };
	row(p, SR_PROBE_CLOSE_RANGE, "close_range", outcome(try_close_range, c),
	    "inherited descriptors are closed one by one instead");
	probe_unshare(c, sizeof(*c));
}

static const struct {
	uint64_t flag;
	const char *name;
} kinds[] = {
	{ CLONE_NEWPID, "pid" }, { CLONE_NEWNS, "mount" }, { CLONE_NEWNET, "network" },
	{ CLONE_NEWIPC, "ipc" }, { CLONE_NEWUTS, "uts" },  { CLONE_NEWCGROUP, "cgroup" },
};

/* Which one it is that cannot be made. */
static void namespaces(struct sr_probes *p, struct call *c)
{
	uint64_t all = CLONE_NEWUSER;
	int r;

	for (size_t i = 0; i < SR_ELEMENTSOF(kinds); i++) {
		struct sr_error err = SR_ERROR_INIT;

		*c = (struct call){ .flags = CLONE_NEWUSER | kinds[i].flag };
		r = outcome(try_namespaces, c);
		all |= kinds[i].flag;
		if (r == 0)
			continue;
		clone_error(r, &err);
		probe_bad(p, SR_PROBE_NAMESPACES, SR_PROBE_MISSING, err.hint, "%s (the %s namespace)", err.text, kinds[i].name);
		return;
	}
	*c = (struct call){ .flags = all };
	r = outcome(try_namespaces, c);
	if (r == 0) {
		probe_ok(p, SR_PROBE_NAMESPACES, "pid, mount, network, ipc, uts and cgroup namespaces can be made");
	} else {
		struct sr_error err = SR_ERROR_INIT;

		clone_error(r, &err);
		probe_bad(p, SR_PROBE_NAMESPACES, SR_PROBE_MISSING, err.hint, "%s", err.text);
	}
}

void probe_namespaces(struct sr_probes *p)
{
	struct call *c = probe_shared(sizeof(*c));
	int r;

	if (!c)
		return;
	c->flags = CLONE_NEWUSER;
	r = outcome(try_namespaces, c);
	if (r == 0) {
		probe_ok(p, SR_PROBE_USERNS, "user namespaces can be made");
		namespaces(p, c);
	} else {
		struct sr_error err = SR_ERROR_INIT;

		clone_error(r, &err);
		probe_bad(p, SR_PROBE_USERNS, SR_PROBE_MISSING, err.hint, "%s", err.text);
	}
	probe_unshare(c, sizeof(*c));
}
