/* SPDX-License-Identifier: MIT */
#include "run/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 30000 /* a machine that is busy, not one that hangs */

const char *probe_state_name(enum sr_probe_state state)
{
	static const char *const names[] = {
		[SR_PROBE_OK] = "ok", [SR_PROBE_DEGRADED] = "degraded", [SR_PROBE_MISSING] = "missing",
	};

	return names[state];
}

void probe_ok(struct sr_probes *p, enum sr_probe_id id, const char *fmt, ...)
{
	struct sr_probe_row *row = &p->row[id];
	va_list ap;

	if (row->tried)
		return;
	row->tried = true;
	row->state = SR_PROBE_OK;
	row->mend[0] = '\0';
	va_start(ap, fmt);
	(void)vsnprintf(row->text, sizeof(row->text), fmt, ap);
	va_end(ap);
}

void probe_bad(struct sr_probes *p, enum sr_probe_id id, enum sr_probe_state state, const char *mend, const char *fmt, ...)
{
	struct sr_probe_row *row = &p->row[id];
	va_list ap;

	if (row->tried)
		return;
	row->tried = true;
	row->state = state;
	(void)snprintf(row->mend, sizeof(row->mend), "%s", mend);
	va_start(ap, fmt);
	(void)vsnprintf(row->text, sizeof(row->text), fmt, ap);
	va_end(ap);
}

void *probe_shared(size_t size)
{
	void *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return m == MAP_FAILED ? NULL : m;
}

void probe_unshare(void *memory, size_t size)
{
	if (memory)
		(void)munmap(memory, size);
}

/*
 * A trial whose doctor was killed goes on: it ends by itself, and only it can take away a cgroup that it made. So it takes no
 * signal that a terminal or a session sends; its sandbox dies with it, and the alarm bounds it.
 */
static void child(void (*fn)(void *arg), void *arg)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < SR_ELEMENTSOF(signals); i++)
		(void)sigaddset(&set, signals[i]);
	if (null < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		_exit(1);
	for (int i = 0; i < 3; i++) {
		if (dup2(null, i) < 0)
			_exit(1);
	}
	(void)signal(SIGALRM, SIG_DFL);
	(void)alarm(PATIENCE_MS / 1000);
	fn(arg);
	_exit(0);
}

int probe_in_child(void (*fn)(void *arg), void *arg)
{
	const struct timespec pause = { .tv_nsec = 500000 };
	pid_t pid = fork();
	int status = 0, waited = 0;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		child(fn, arg);
	for (int i = 0; i < 2 * PATIENCE_MS && waited == 0; i++) {
		waited = waitpid(pid, &status, WNOHANG);
		if (waited == 0)
			(void)nanosleep(&pause, NULL);
	}
	if (waited == 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
		return -ETIMEDOUT;
	}
	if (waited == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return -EPERM;
	return waited == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECANCELED;
}

void probe_machine(struct sr_probes *ret)
{
	static const char *const ids[SR_PROBE_MAX] = {
#define SR_PROBE_ROW(name, id) [SR_PROBE_##name] = (id),
		SR_PROBES(SR_PROBE_ROW)
#undef SR_PROBE_ROW
	};

	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < SR_PROBE_MAX; i++) {
		ret->row[i].id = ids[i];
		ret->row[i].state = SR_PROBE_MISSING;
	}
	probe_calls(ret);
	probe_namespaces(ret);
	probe_runs(ret);
	probe_cgroup(ret);
	probe_kernel(ret);
	for (int i = 0; i < SR_PROBE_MAX; i++) {
		if (!ret->row[i].tried)
			(void)snprintf(ret->row[i].text, sizeof(ret->row[i].text), "not tried: a row above is missing");
	}
}
