/* SPDX-License-Identifier: MIT */
/*
 * The rows about cgroup v2: what the trial run (probe-run.c) had of it, and why not more.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "run/mend.h"
#include "run/probe.h"
#include "run/run.h"
#include "sys/kernel.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

#define MEND_DELEGATE                                                                                          \
	"start sandrun in a login session of systemd, or in a service or container whose cgroup is its own " \
	"(Delegate=yes); on a machine with cgroup v1, " MEND_ROOT "boot with systemd.unified_cgroup_hierarchy=1"

int probe_cgroup_child(int parent_fd)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	struct sys_clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	SR_AUTOCLOSE int fd = -1;
	char name[48];
	long pid = 0;
	int e = 0;

	(void)snprintf(name, sizeof(name), "sandrun-doctor-%d", (int)getpid());
	if (mkdirat(parent_fd, name, 0755) < 0)
		return errno;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	args.cgroup = (uint64_t)fd;
	pid = fd < 0 ? -errno : sys_ret(syscall(SYS_clone3, &args, sizeof(args)));
	if (pid == 0)
		_exit(0);
	e = pid < 0 ? (int)-pid : 0;
	while (pid > 0 && waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
		;
	for (int i = 0; i < 100 && unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno == EBUSY; i++)
		(void)nanosleep(&pause, NULL); /* its last process is on the way out */
	return e;
}

static void cgroup_row(struct sr_probes *p, const struct sr_probe_cgroup *c)
{
	const unsigned needed = SR_CGROUP_MEMORY | SR_CGROUP_PIDS | SR_CGROUP_CPU;

	if (c->way == SR_CGROUP_NONE)
		probe_bad(p, SR_PROBE_CGROUP, SR_PROBE_DEGRADED, MEND_DELEGATE, "%s: limits are held by rlimits and a watchdog", c->why);
	else if (c->crowded)
		probe_ok(p, SR_PROBE_CGROUP, "%s; a run moves the processes that are in it to a child of it first", c->shown);
	else if ((c->controllers & needed) == needed)
		probe_ok(p, SR_PROBE_CGROUP, "%s", c->shown);
	else
		probe_bad(p, SR_PROBE_CGROUP, SR_PROBE_DEGRADED, MEND_ROOT "delegate the controllers memory, pids and cpu (Delegate= of the "
			  "service, for a user manager that of user@.service)", "%s; not all that limits need", c->shown);
}

/* A limit's row: the note that the run made, the same that a report has, or the controller. */
static void limit_row(struct sr_probes *p, enum sr_probe_id id, const char *note, const char *held)
{
	if (note[0])
		probe_bad(p, id, SR_PROBE_DEGRADED, "", "%s", note);
	else
		probe_ok(p, id, "%s", held);
}

static void clone_row(struct sr_probes *p, const struct sr_probe_cgroup *c)
{
	const char *mend = mend_text(mend_for_refusal(ENOSYS)); /* a filter's word for what it does not know, or an old kernel's */

	if (c->way == SR_CGROUP_NONE)
		probe_bad(p, SR_PROBE_CGROUP_CLONE, SR_PROBE_DEGRADED, "", "not tried: no cgroup can be made");
	else if (c->born)
		probe_ok(p, SR_PROBE_CGROUP_CLONE, "a run's first process is born in its cgroup");
	else if (c->way == SR_CGROUP_SCOPE || c->borrowed)
		probe_ok(p, SR_PROBE_CGROUP_CLONE, "a run's first process is moved into its cgroup before the program starts: here it may not "
			 "be born there");
	else
		probe_bad(p, SR_PROBE_CGROUP_CLONE, SR_PROBE_DEGRADED, c->crowded ? mend_text(mend_for_refusal(c->crowded_errnum)) : mend,
			  "a run's first process cannot be born in its cgroup; it is moved there before the program starts");
}

/* 0 when something listens on the user's own bus; *ret_found: it does so where XDG_RUNTIME_DIR does not point to. */
static int try_bus(const char *dir, char *shown, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	SR_AUTOCLOSE int fd = -1;
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/bus", dir);

	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	str_escape(address.sun_path, shown, size);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

static void session_row(struct sr_probes *p, const struct sr_probe_cgroup *c)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char usual[64], shown[256] = "";
	int e;

	(void)snprintf(usual, sizeof(usual), "/run/user/%u", (unsigned)geteuid());
	if (c->way == SR_CGROUP_SCOPE) {
		probe_ok(p, SR_PROBE_SESSION, "the systemd manager made a scope for a run");
		return;
	}
	if (c->way == SR_CGROUP_DELEGATED) {
		probe_ok(p, SR_PROBE_SESSION, "not needed: cgroups can be made without it");
		return;
	}
	e = try_bus(dir && dir[0] == '/' ? dir : usual, shown, sizeof(shown));
	if (e == 0 && !str_is_empty(dir))
		probe_bad(p, SR_PROBE_SESSION, SR_PROBE_DEGRADED, "", "a bus answers at %s, but no scope came of it, see cgroup", shown);
	else if (e == 0)
		probe_bad(p, SR_PROBE_SESSION, SR_PROBE_DEGRADED, "export XDG_RUNTIME_DIR=/run/user/$(id -u)",
			  "a bus answers at %s, but XDG_RUNTIME_DIR is not set (su, cron)", shown);
	else
		probe_bad(p, SR_PROBE_SESSION, SR_PROBE_DEGRADED,
			  "log in through systemd (ssh or a desktop; not su or cron), or " MEND_ROOT "loginctl enable-linger USER",
			  "no systemd user session at %s (%s): no cgroup can be asked for there", shown, strerror(e));
}

void probe_cgroup(struct sr_probes *p)
{
	const struct sr_probe_cgroup *c = &p->cgroup;

	if (!c->known)
		return;
	cgroup_row(p, c);
	limit_row(p, SR_PROBE_CGROUP_MEMORY, c->memory_note, "the memory limit is held by the cgroup");
	limit_row(p, SR_PROBE_CGROUP_PIDS, c->pids_note, "the process limit is held by the cgroup");
	limit_row(p, SR_PROBE_CGROUP_CPU, c->cpu_note, "the share of the processors is held by the cgroup");
	limit_row(p, SR_PROBE_CGROUP_IO, c->io_note, "the share of the disks is held by the cgroup");
	clone_row(p, c);
	session_row(p, c);
}
