/* SPDX-License-Identifier: MIT */
/*
 * The second way in: a transient scope of the systemd user manager. sandrun-scope asks for it, since sd-bus and what it
 * loads have no place in sandrun's own start; scope/protocol.h says how the two talk. What it says is believed only as far
 * as the kernel says the same: the sandbox's first process must be in a cgroup of that name.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "run/cgroup.h"
#include "run/helper.h"
#include "scope/protocol.h"
#include "sys/cgroup.h"

#define KEEPER "keeper"
#define PATIENCE_MS 8000 /* longer than sandrun-scope has: what it could not do, it says */

/* The bus that sd-bus would take: the user's, sd_bus_open_user(3); for root the system's. */
static bool bus_is_there(void)
{
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS"), *runtime = getenv("XDG_RUNTIME_DIR");
	SR_AUTOFREE char *path = NULL;

	if (geteuid() == 0)
		return access("/run/systemd/system", F_OK) == 0 && access("/run/dbus/system_bus_socket", F_OK) == 0;
	if (str_is_empty(runtime)) /* a bus without a user manager's folder is none of systemd's */
		return false;
	if (!str_is_empty(address) && !str_has_prefix(address, "unix:path="))
		return true;
	path = str_format("%s/systemd", runtime);
	return path && access(path, F_OK) == 0;
}

bool scope_possible(struct sr_cgroup *cg)
{
	char before[sizeof(cg->why)];
	int r;

	(void)snprintf(before, sizeof(before), "%s", cg->why);
	if (strcmp(before, "no cgroup v2 here") == 0)
		return false; /* a scope would limit nothing */
	if (!bus_is_there()) {
		(void)snprintf(cg->why, sizeof(cg->why), "%.90s, and there is no systemd %s manager to ask", before,
			       geteuid() == 0 ? "system" : "user");
		return false;
	}
	r = helper_find(SR_SCOPE_PROGRAM, &cg->program);
	if (r < 0)
		(void)snprintf(cg->why, sizeof(cg->why), "%.90s, and the program " SR_SCOPE_PROGRAM " is missing", before);
	else
		cg->why[0] = '\0';
	return r == 0;
}

void cgroup_begin(struct sr_cgroup *cg)
{
	SR_AUTOFREE char *address = NULL, *runtime = NULL;
	char *const argv[] = { (char[]){ SR_SCOPE_PROGRAM }, cg->name, NULL };
	char *envp[3] = { NULL };
	int pair[2], n = 0;

	if (cg->way != SR_CGROUP_SCOPE || cg->helper)
		return;
	if (cgroup_new_name(cg) < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return; /* scope_ask() will say that nobody answers */
	if (getenv("XDG_RUNTIME_DIR") && (runtime = str_format("XDG_RUNTIME_DIR=%s", getenv("XDG_RUNTIME_DIR"))))
		envp[n++] = runtime;
	if (getenv("DBUS_SESSION_BUS_ADDRESS") &&
	    (address = str_format("DBUS_SESSION_BUS_ADDRESS=%s", getenv("DBUS_SESSION_BUS_ADDRESS"))))
		envp[n++] = address;
	if (helper_start(cg->program, argv, envp, (const int[3]){ pair[1], pair[1], pair[1] }, &cg->helper) < 0) {
		cg->helper = 0;
		(void)close(pair[0]);
	} else {
		cg->helper_fd = pair[0];
	}
	(void)close(pair[1]);
}

void scope_abort(struct sr_cgroup *cg)
{
	if (cg->helper > 0) /* a zeroed struct has no helper and no descriptor */
		fd_close(&cg->helper_fd);
	helper_end(&cg->helper);
}

/*
 * systemd removes a scope's cgroups as soon as the last process is out, and with them what the kernel counted and whether it
 * killed for memory. A process that does nothing stays in the scope, beside the run, for as long as the supervisor wants.
 */
static void keep(pid_t parent)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	helper_close_from(0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	for (;;)
		(void)pause();
}

static int start_keeper(struct sr_cgroup *cg)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		keep(parent);
	cg->keeper = pid;
	return 0;
}

void scope_done(struct sr_cgroup *cg)
{
	if (cg->keeper <= 0)
		return;
	helper_end(&cg->keeper);
	(void)unlinkat(cg->parent_fd, KEEPER, AT_REMOVEDIR); /* systemd removes the scope itself */
}

static int place_keeper(struct sr_cgroup *cg)
{
	SR_AUTOCLOSE int fd = -1;

	if (mkdirat(cg->parent_fd, KEEPER, 0755) < 0)
		return -errno;
	fd = openat(cg->parent_fd, KEEPER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : cgroup_move(fd, cg->keeper);
}

/* Signals are blocked and kept for the run's loop: only looked at, not taken. */
static bool asked_to_stop(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
					     sigismember(&pending, SIGHUP) || sigismember(&pending, SIGQUIT));
}

/* One line, or as much as came. -ETIMEDOUT when nothing more comes in time, -EINTR when a signal ends the wait. */
static int read_answer(const struct sr_cgroup *cg, char *line, size_t size)
{
	size_t len = 0;
	int r = 0, stop_fd = cg->stop_fd;

	while (!r && len + 1 < size && !memchr(line, '\n', len)) {
		struct pollfd p[2] = { { .fd = cg->helper_fd, .events = POLLIN }, { .fd = stop_fd, .events = POLLIN } };
		int ready = poll(p, 2, PATIENCE_MS);
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0 || (p[1].revents && asked_to_stop())) {
			r = ready <= 0 ? -ETIMEDOUT : -EINTR;
			continue;
		}
		if (p[1].revents) {
			stop_fd = -1; /* a window's new size, say: for later */
			continue;
		}
		n = read(cg->helper_fd, line + len, size - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return r;
}

/* Where the kernel says that init is: in the scope, or this is no way. */
static int open_scope(struct sr_cgroup *cg, pid_t init)
{
	SR_AUTOFREE char *path = NULL, *unit = str_format("/%s.scope", cg->name);
	SR_AUTOCLOSE int fd = -1;
	int r = unit ? cgroup_open(init, &fd, &path) : -ENOMEM;

	if (r < 0) {
		cgroup_give_up(cg, "cannot open the cgroup of the scope: %s", strerror(-r));
		return r;
	}
	if (!str_has_suffix(path, unit) || !cgroup_is_writable(fd)) {
		cgroup_give_up(cg, "the systemd manager made the scope, but the sandbox is not in it, or it is not the user's");
		return -EXDEV;
	}
	free(cg->path);
	cg->path = SR_TAKE_PTR(path);
	cg->parent_fd = SR_TAKE_FD(fd);
	r = place_keeper(cg);
	if (r < 0)
		cgroup_give_up(cg, "cannot make a cgroup in the scope: %s", strerror(-r));
	return r;
}

int scope_ask(struct sr_cgroup *cg, pid_t init)
{
	char line[256] = "", shown[128];
	int r = 0;

	cgroup_begin(cg);
	if (cg->helper > 0 && start_keeper(cg) == 0) {
		(void)snprintf(line, sizeof(line), "%d %d\n", (int)init, (int)cg->keeper);
		(void)send(cg->helper_fd, line, strlen(line), MSG_NOSIGNAL); /* gone: then it does not answer either */
		r = read_answer(cg, line, sizeof(line));
	}
	scope_abort(cg);
	if (r < 0)
		return r;
	if (strcmp(line, SR_SCOPE_DONE) != 0) {
		cgroup_give_up(cg, "the systemd manager made no scope: %s",
			       *line ? str_escape(line, shown, sizeof(shown)) : "no answer");
		return -EIO;
	}
	return open_scope(cg, init);
}
