/* SPDX-License-Identifier: MIT */
/*
 * The programs that a build runs, and what it says meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "environment/build.h"
#include "environment/common.h"

#define TEXT_MAX (64U << 20)

int build_failed(struct sr_error *err, int errnum, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	(void)sr_error_set(err, SR_E_ENVIRONMENT, errnum, STAGE, "cannot %s: %s", what, strerror(errnum));
	if (errnum == ENOSPC || errnum == EDQUOT)
		sr_error_hint(err, "the disk is full: free some, or sandrun environment prune");
	return -errnum;
}

/* --- progress ------------------------------------------------------------------------------------------------------------------ */

double build_seconds(const struct timespec *since)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - since->tv_sec) + (double)(now.tv_nsec - since->tv_nsec) / 1e9;
}

void build_phase(struct build *b, const char *what)
{
	b->phase = what;
	(void)clock_gettime(CLOCK_MONOTONIC, &b->phase_started);
	b->shown = (struct timespec){ .tv_sec = 0 };
	build_tick(b, "%s", "");
}

void build_tick(struct build *b, const char *fmt, ...)
{
	char detail[128];
	va_list ap;

	if (b->quiet || (b->shown.tv_sec && build_seconds(&b->shown) < 0.2))
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &b->shown);
	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	progress_show("%s: %s%s%s, %.0f s", b->definition->name, b->phase, *detail ? ", " : "", detail, build_seconds(&b->started));
}

void build_phase_done(struct build *b, const char *fmt, ...)
{
	char detail[256];
	va_list ap;

	if (b->quiet || isatty(2))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	verb_say("%s: %s, %.1f s", b->definition->name, detail, build_seconds(&b->phase_started));
}

/* --- programs ------------------------------------------------------------------------------------------------------------------ */

/* In the child. The host's programs speak plainly there, for their words are looked at. */
static void become(const struct child_call *call, char *const argv[], pid_t parent)
{
	child_ready(call->fds, parent);
	if (setenv("LC_ALL", "C", 1) < 0 || (call->folder && chdir(call->folder) < 0))
		_exit(125);
	(void)execvp(argv[0], argv);
	_exit(127);
}

static int start_host(const struct child_call *call, pid_t *ret, struct sr_error *err)
{
	pid_t parent = getpid(), pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		return build_failed(err, errno, "start %s", SHOWN(call->words->items[0]));
	if (pid == 0)
		become(call, call->words->items, parent);
	*ret = pid;
	return 0;
}

/* Waits for the end; sleeps a tenth of a second at most. */
static bool has_ended(pid_t pid, int *ret_status)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int status;

	(void)poll(&p, 1, fd >= 0 ? 100 : 20);
	fd_close(&fd);
	if (waitpid(pid, &status, WNOHANG) != pid)
		return false;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

int child_run(const struct child_call *call, const char *what, struct sr_error *err)
{
	int status = 0;
	pid_t pid = -1;
	int r = call->inside ? engine_start(call->words, call->fds, &pid, err) : start_host(call, &pid, err);

	if (r < 0)
		return r;
	while (!has_ended(pid, &status)) {
		if (verb_interrupted()) {
			(void)kill(pid, call->inside ? SIGTERM : SIGKILL);
			(void)engine_wait(pid);
			return verb_give_up(what, err);
		}
		if (call->tick)
			call->tick(call->arg);
	}
	return verb_interrupted() ? verb_give_up(what, err) : status;
}

int build_file(struct build *b, const char *name, struct sr_error *err)
{
	int fd = openat(b->work.fd, name, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? build_failed(err, errno, "write %s/%s", SHOWN(b->dir), name) : fd;
}

int build_read(struct build *b, const char *name, char **ret, size_t *ret_len, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = openat(b->work.fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t len = 0;
	int r = fd < 0 ? -errno : io_read_all(fd, TEXT_MAX, ret, ret_len ? ret_len : &len);

	return r < 0 ? build_failed(err, -r, "read %s/%s", SHOWN(b->dir), name) : 0;
}
