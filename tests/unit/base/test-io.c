/* SPDX-License-Identifier: MIT */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tap.h"
#include "base/fd.h"
#include "base/macros.h"

#define BIG (1U << 20)

/* A child that writes len bytes in uneven pieces; the parent's end to read from. */
static int dribble(size_t len, pid_t *ret_pid)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		for (size_t done = 0, piece = 1; done < len; done += piece, piece = piece % 7000 + 13) {
			static char buf[8192];

			if (piece > len - done)
				piece = len - done;
			memset(buf, 'd', piece);
			if (write(fds[1], buf, piece) != (ssize_t)piece)
				_exit(1);
		}
		_exit(0);
	}
	fd_close(&fds[1]);
	*ret_pid = pid;
	return fds[0];
}

static void test_read_full(void)
{
	SR_AUTOFREE char *buf = malloc(BIG + 1);
	pid_t pid = -1;
	SR_AUTOCLOSE int fd = dribble(BIG, &pid);

	if (!buf)
		abort();
	IS_INT(io_read_full(fd, buf, 1000), 1000, "as much as was asked for");
	IS_INT(io_read_full(fd, buf, BIG), BIG - 1000, "or what there is until the end, from many short reads");
	IS_INT(io_read_full(fd, buf, 10), 0, "and nothing behind it");
	IS_INT(io_read_full(-1, buf, 10), -EBADF, "an error is returned as -errno");
	IS_INT(waitpid(pid, NULL, 0), pid, "the writer has ended");
}

static void test_read_all(void)
{
	char *data = NULL;
	size_t len = 4242;
	pid_t pid = -1;
	SR_AUTOCLOSE int whole = dribble(100000, &pid);
	SR_AUTOCLOSE int again = -1, empty = -1;

	IS_INT(io_read_all(whole, 100000, &data, &len), 0, "a pipe is read to its end");
	IS_INT(len, 100000, "whole, at exactly the bound");
	OK(data && data[99999] == 'd' && data[100000] == '\0', "and terminated");
	free(data);
	(void)waitpid(pid, NULL, 0);

	data = NULL;
	len = 4242;
	again = dribble(100000, &pid);
	IS_INT(io_read_all(again, 99999, &data, &len), -EFBIG, "one byte over the bound is refused");
	OK(data == NULL && len == 4242, "and nothing is handed out");
	fd_close(&again);
	(void)waitpid(pid, NULL, 0);

	empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
	IS_INT(io_read_all(empty, 10, &data, &len), 0, "an empty file");
	OK(len == 0 && data && data[0] == '\0', "is an empty string");
	free(data);
	IS_INT(io_read_all(-1, 10, &data, &len), -EBADF, "a bad descriptor is an error");
}

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms = alarms + 1;
}

/* A reader that starts late, and signals without SA_RESTART while the writer waits: nothing is lost. */
static void test_write_full(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	SR_AUTOFREE char *buf = calloc(1, BIG);
	int fds[2], status = -1;
	pid_t pid;

	if (!buf || pipe2(fds, O_CLOEXEC) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		fd_close(&fds[1]);
		(void)usleep(50000);
		_exit(io_read_full(fds[0], buf, BIG) == BIG && read(fds[0], buf, 1) == 0 ? 0 : 1);
	}
	fd_close(&fds[0]);
	(void)sigaction(SIGALRM, &act, NULL);
	(void)ualarm(5000, 5000);
	IS_INT(io_write_full(fds[1], buf, BIG), 0, "more than a pipe holds is written");
	(void)ualarm(0, 0);
	fd_close(&fds[1]);
	OK(alarms > 0, "although signals came in between");
	OK(waitpid(pid, &status, 0) == pid && status == 0, "and arrives whole");
	IS_INT(io_write_full(-1, "x", 1), -EBADF, "an error is returned as -errno");
	IS_INT(io_write_full(-1, "x", 0), 0, "nothing to write is no error");
}

static void test_fds(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), copy = fd;
	int taken = SR_TAKE_FD(fd);

	OK(fd == -1 && taken == copy, "a taken descriptor leaves -1");
	errno = ENOTTY;
	fd_close(&taken);
	OK(taken == -1 && fcntl(copy, F_GETFD) < 0, "a closed one too");
	errno = ENOTTY;
	fd_close(&taken);
	IS_INT(errno, ENOTTY, "closing keeps errno");
}

int main(void)
{
	test_read_full();
	test_read_all();
	test_write_full();
	test_fds();
	return tap_done();
}
