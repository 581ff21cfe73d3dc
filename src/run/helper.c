/* SPDX-License-Identifier: MIT */
#include "run/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "sys/kernel.h"

#ifndef SR_LIBEXEC_DIR
#define SR_LIBEXEC_DIR "/usr/libexec/sandrun"
#endif

int helper_find(const char *name, char **ret_path)
{
	SR_AUTOFREE char *path = NULL;
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		path = slash ? str_format("%.*s/%s", (int)(slash - self), self, name) : NULL;
		if (path && access(path, X_OK) == 0) {
			*ret_path = SR_TAKE_PTR(path);
			return 0;
		}
		free(SR_TAKE_PTR(path));
	}
	path = str_format(SR_LIBEXEC_DIR "/%s", name);
	if (!path)
		return -ENOMEM;
	*ret_path = SR_TAKE_PTR(path);
	return access(*ret_path, X_OK) < 0 ? -errno : 0;
}

void helper_close_from(int first)
{
	if (sys_close_range((unsigned)first, ~0U) == 0)
		return;
	for (int fd = first; fd < 65536; fd++)
		(void)close(fd);
}

void helper_end(pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGKILL); /* not yet reaped, so the id is its own */
	helper_reap(pid);
}

void helper_reap(pid_t *pid)
{
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		; /* how it ended does not matter, and SIGCHLD may be ignored here */
	*pid = 0;
}

/* dup2(2) of a descriptor onto itself would keep its close-on-exec flag: first all of them go above the three. */
static int place_fds(int in, int out, int words)
{
	int from[3] = { in, out, words };

	for (int i = 0; i < 3; i++) {
		from[i] = fcntl(from[i], F_DUPFD, 3);
		if (from[i] < 0)
			return -1;
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(from[i], i) < 0)
			return -1;
	}
	return 0;
}

/* In the child, between fork and exec: plain system calls. */
static void become(const char *program, char *const argv[], char *const envp[], const int fds[3], pid_t parent)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		(void)sigaction(s, &dfl, NULL); /* EINVAL for SIGKILL, SIGSTOP and the C library's own */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (place_fds(fds[0], fds[1], fds[2]) < 0)
		_exit(1);
	helper_close_from(3);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(1);
	(void)execve(program, argv, envp);
	_exit(127);
}

int helper_start(const char *program, char *const argv[], char *const envp[], const int fds[3], pid_t *ret)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(program, argv, envp, fds, parent);
	*ret = pid;
	return 0;
}
