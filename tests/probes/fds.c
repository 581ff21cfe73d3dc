/* SPDX-License-Identifier: MIT */
/*
 * fds              every open descriptor and its kind, found by fcntl(2) and not through /proc.
 * fds chdir        chdir("/proc/self/fd/N") for N 0..60 and 200..260, and where that led.
 * fds serve CMD... opens descriptors 3..200 to "/" and to /etc/passwd without close-on-exec and executes CMD.
 * fds closed CMD... executes CMD with descriptors 0, 1 and 2 closed.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

static const char *kind(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return "unknown";
	if (S_ISFIFO(st.st_mode))
		return "pipe";
	if (S_ISSOCK(st.st_mode))
		return "socket";
	if (S_ISDIR(st.st_mode))
		return "directory";
	if (S_ISREG(st.st_mode))
		return "file";
	if (S_ISCHR(st.st_mode))
		return isatty(fd) ? "terminal" : "device";
	return "other";
}

static int go(void)
{
	char path[64], where[4096];

	for (int fd = 0; fd <= 260; fd++) {
		if (fd > 60 && fd < 200)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (chdir(path) == 0 && syscall(SYS_getcwd, where, sizeof(where)) > 0)
			printf("%s leads to %s\n", path, where);
	}
	printf("tried\n");
	return 0;
}

static int closed(char **argv)
{
	close(0);
	close(1);
	close(2);
	execv(argv[0], argv);
	return 126;
}

/* The same file above the numbers that are served, and closed by execve(2). */
static int high(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 201);

	close(fd);
	return copy;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "chdir") == 0)
		return go();
	if (argc > 2 && strcmp(argv[1], "closed") == 0)
		return closed(argv + 2);
	if (argc > 2 && strcmp(argv[1], "serve") == 0) {
		/* To exact numbers: the caller may hold some of 3..200 already. */
		int folder = high(open("/", O_RDONLY)), file = high(open("/etc/passwd", O_RDONLY));

		for (int fd = 3; fd <= 200; fd++)
			if (dup2(fd % 2 == 0 ? folder : file, fd) < 0)
				return 1;
		execv(argv[2], argv + 2);
		return 126;
	}
	for (int fd = 0; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d %s\n", fd, kind(fd));
	return 0;
}
