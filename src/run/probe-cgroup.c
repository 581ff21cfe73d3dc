/* SPDX-License-Identifier: MIT */
/*
 * cgroup v2 as sandrun meets it: may it make a cgroup below its own, start a process in it, and which controllers would be
 * there; and whether the user's systemd manager can be reached to ask for a cgroup. Rests on cgroups(7), proc(5).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "run/mend.h"
#include "run/probe.h"
#include "sys/kernel.h"

#define CLONE_INTO_CGROUP_FLAG 0x200000000ULL
#define RMDIR_TRIES 50

/* Memory that the child shares. */
struct cgroup_trial {
	char path[4096];        /* in: our own cgroup's folder */
	char controllers[256];  /* in */
	int mkdir_errnum, clone_errnum;
};

/* The rest of the first line of a file that starts with `start`. */
static bool line_of(const char *path, const char *start, char *out, size_t size)
{
	FILE *f = fopen(path, "re");
	char line[4096];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (str_has_prefix(line, start)) {
			(void)snprintf(out, size, "%s", line + strlen(start));
			found = true;
		}
	}
	if (f)
		(void)fclose(f);
	return found;
}

/* Where the v2 hierarchy is mounted, and which of its folders is the top there. */
static bool find_mount(char *place, char *top, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[8192];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		char root[4096], at[4096];
		const char *dash = strstr(line, " - ");

		if (!dash || !str_has_prefix(dash, " - cgroup2 ") || sscanf(line, "%*s %*s %*s %4095s %4095s", root, at) != 2)
			continue;
		(void)snprintf(place, size, "%s", at);
		(void)snprintf(top, size, "%s", strcmp(root, "/") == 0 ? "" : root);
		found = true;
	}
	if (f)
		(void)fclose(f);
	return found;
}

static bool find_own(struct cgroup_trial *t)
{
	char place[4096], top[4096], own[4096];
	const char *below = own;
	int n;

	if (!line_of("/proc/self/cgroup", "0::", own, sizeof(own)) || !find_mount(place, top, sizeof(place)))
		return false;
	if (top[0] && str_has_prefix(own, top))
		below = own + strlen(top);
	n = snprintf(t->path, sizeof(t->path), "%s%s", place, strcmp(below, "/") == 0 ? "" : below);
	return n > 0 && (size_t)n < sizeof(t->path) && access(t->path, F_OK) == 0;
}

static void read_controllers(struct cgroup_trial *t)
{
	SR_AUTOFREE char *path = str_format("%s/cgroup.controllers", t->path);

	t->controllers[0] = ' ';
	if (!path || !line_of(path, "", t->controllers + 1, sizeof(t->controllers) - 2))
		t->controllers[1] = '\0';
	t->controllers[strlen(t->controllers)] = ' '; /* " cpu io memory pids ": each name between blanks; zeroed behind */
}

static bool has_controller(const struct cgroup_trial *t, const char *name)
{
	char word[32];

	(void)snprintf(word, sizeof(word), " %s ", name);
	return strstr(t->controllers, word) != NULL;
}

static int clone_into(int fd)
{
	struct sys_clone_args args = { .flags = CLONE_INTO_CGROUP_FLAG, .exit_signal = SIGCHLD, .cgroup = (uint64_t)fd };
	long pid = sys_ret(syscall(SYS_clone3, &args, sizeof(args)));

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return (int)-pid;
	while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/*
 * Makes and removes a cgroup. Whoever ends doctor must not leave it behind: for these two calls this process outlives its
 * parent and takes no signal.
 */
static void try_cgroup(void *arg)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	struct cgroup_trial *t = arg;
	SR_AUTOFREE char *path = str_format("%s/sandrun-doctor-%d", t->path, (int)getpid());
	SR_AUTOCLOSE int fd = -1;
	sigset_t all;

	sigfillset(&all);
	if (!path || sigprocmask(SIG_SETMASK, &all, NULL) < 0 || prctl(PR_SET_PDEATHSIG, 0) < 0) {
		t->mkdir_errnum = ENOMEM;
		return;
	}
	if (mkdir(path, 0755) < 0) {
		t->mkdir_errnum = errno;
		return;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	t->clone_errnum = fd < 0 ? errno : clone_into(fd);
	for (int i = 0; i < RMDIR_TRIES && rmdir(path) < 0; i++)
		(void)nanosleep(&pause, NULL); /* EBUSY while its last process is on the way out */
}

static void no_cgroup(struct sr_probes *p, const char *mend, const char *why)
{
	probe_bad(p, SR_PROBE_CGROUP, SR_PROBE_DEGRADED, mend, "%s: limits are held by rlimits and a watchdog", why);
	probe_bad(p, SR_PROBE_CGROUP_IO, SR_PROBE_DEGRADED, "", "disk bandwidth is not limited; a run itself writes to memory only");
	probe_bad(p, SR_PROBE_CGROUP_CLONE, SR_PROBE_DEGRADED, "", "not tried: no cgroup can be made");
}

static void delegated(struct sr_probes *p, const struct cgroup_trial *t)
{
	char shown[512];

	str_escape(t->path, shown, sizeof(shown));
	if (has_controller(t, "memory") && has_controller(t, "pids"))
		probe_ok(p, SR_PROBE_CGROUP, "cgroups can be made below %s, with%s", shown, t->controllers);
	else
		probe_bad(p, SR_PROBE_CGROUP, SR_PROBE_DEGRADED, MEND_ROOT "boot with systemd.unified_cgroup_hierarchy=1, or delegate "
			  "memory and pids (Delegate=yes)", "cgroups can be made below %s, but without the controllers memory and pids", shown);
	if (has_controller(t, "io"))
		probe_ok(p, SR_PROBE_CGROUP_IO, "the io controller is there");
	else
		probe_bad(p, SR_PROBE_CGROUP_IO, SR_PROBE_DEGRADED, "",
			  "no io controller: disk bandwidth is not limited; a run itself writes to memory only");
	if (t->clone_errnum == 0)
		probe_ok(p, SR_PROBE_CGROUP_CLONE, "a process can be started right inside a new cgroup");
	else
		probe_bad(p, SR_PROBE_CGROUP_CLONE, SR_PROBE_DEGRADED, mend_text(mend_for_refusal(t->clone_errnum)),
			  "a process cannot be started right inside a new cgroup: %s", strerror(t->clone_errnum));
}

/* 0 when something listens on the user's own bus. */
static int try_bus(char *shown, size_t size)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	SR_AUTOCLOSE int fd = -1;
	int n;

	if (dir && dir[0] == '/')
		n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/bus", dir);
	else
		n = snprintf(address.sun_path, sizeof(address.sun_path), "/run/user/%u/bus", (unsigned)geteuid());
	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	str_escape(address.sun_path, shown, size);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

static void session(struct sr_probes *p)
{
	char shown[256] = "";
	int e = try_bus(shown, sizeof(shown));

	if (e == 0)
		probe_ok(p, SR_PROBE_SESSION, "the user's bus answers at %s", shown);
	else if (p->row[SR_PROBE_CGROUP].state == SR_PROBE_OK)
		probe_ok(p, SR_PROBE_SESSION, "none, and none is needed: cgroups can be made without it");
	else
		probe_bad(p, SR_PROBE_SESSION, SR_PROBE_DEGRADED,
			  "log in through systemd (ssh or a desktop; not su or cron), or " MEND_ROOT "loginctl enable-linger USER",
			  "no systemd user session at %s (%s): no cgroup can be asked for there", shown, strerror(e));
}

void probe_cgroup(struct sr_probes *p)
{
	struct cgroup_trial *t = probe_shared(sizeof(*t));

	if (t && find_own(t)) {
		read_controllers(t);
		if (probe_in_child(try_cgroup, t) == 0 && t->mkdir_errnum == 0)
			delegated(p, t);
		else if (!has_controller(t, "memory"))
			no_cgroup(p, MEND_ROOT "boot with systemd.unified_cgroup_hierarchy=1",
				  "cgroup v2 has no memory controller here (cgroup v1 has it, or none is delegated)");
		else
			no_cgroup(p, "start sandrun in a login session of systemd, or in a service or container with a cgroup of its own "
				  "(Delegate=yes)", "no cgroup v2 is delegated to this user");
	} else {
		no_cgroup(p, MEND_ROOT "boot with systemd.unified_cgroup_hierarchy=1, or mount cgroup2", "no cgroup v2 is mounted here");
	}
	session(p);
	probe_unshare(t, sizeof(*t));
}
