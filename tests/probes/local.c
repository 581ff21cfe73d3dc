/* SPDX-License-Identifier: MIT */
/*
 * UNIX sockets.
 * local serve NAME      listens (NAME with a leading '@' is abstract), prints "ready", says "hello" to callers for 20 s.
 * local connect NAME    prints what was heard.
 * local hold FIFO       opens a FIFO for reading and prints what arrives, 20 s at most.
 * local pass FILE CMD... standard input and output of CMD become one socket each; FILE is sent as a descriptor into the first
 *                       (SCM_RIGHTS), and what comes out of the second is searched for descriptors.
 * local take            receives from standard input with room for descriptors, sends descriptor 2 through standard output.
 */
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

static socklen_t address(const char *name, struct sockaddr_un *to)
{
	size_t length = strlen(name);

	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	if (length >= sizeof(to->sun_path))
		exit(2);
	memcpy(to->sun_path, name, length);
	if (name[0] == '@')
		to->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] != '@'));
}

static int serve(const char *name)
{
	struct sockaddr_un at;
	socklen_t length = address(name, &at);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), caller;

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, length) < 0 || listen(fd, 20) < 0) {
		say("serve", -1);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	alarm(20);
	while ((caller = accept(fd, NULL, NULL)) >= 0)
		if (write(caller, "hello", 5) == 5)
			close(caller);
	return 0;
}

static long call(const char *name)
{
	struct sockaddr_un to;
	socklen_t length = address(name, &to);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[64];
	ssize_t n;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, length) < 0 || (n = read(fd, text, sizeof(text) - 1)) < 0)
		return -1;
	text[n] = '\0';
	printf("heard %s\n", text);
	return 0;
}

static int hold(const char *path)
{
	char text[256];
	ssize_t n;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	alarm(20);
	while ((n = read(fd, text, sizeof(text))) > 0) {
		printf("arrived %.*s\n", (int)n, text);
		fflush(stdout);
	}
	return 0;
}

union control {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static long give(int fd, int what)
{
	char byte = 'F';
	struct iovec data = { &byte, 1 };
	union control control = { { 0 } };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space,
				  .msg_controllen = sizeof(control.space) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &what, sizeof(what));
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Number of descriptors that came with one message; -1 for an error or the end. */
static long get(int fd, int flags, char *text, size_t room, ssize_t *ret_bytes)
{
	struct iovec data = { text, room };
	union control control;
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space,
				  .msg_controllen = sizeof(control.space) };
	ssize_t n = recvmsg(fd, &message, flags);
	struct cmsghdr *header;

	*ret_bytes = n;
	if (n <= 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	return header != NULL && header->cmsg_type == SCM_RIGHTS;
}

static int pass(const char *file, char **argv)
{
	int in[2], out[2], secret = open(file, O_RDONLY | O_CLOEXEC);
	long descriptors = 0, got;
	char text[4096];
	ssize_t bytes;
	pid_t pid;

	if (secret < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) < 0 || (pid = fork()) < 0)
		return 1;
	if (pid == 0) {
		dup2(in[1], 0);
		dup2(out[1], 1);
		execv(argv[0], argv);
		_exit(126);
	}
	close(in[1]);
	close(out[1]);
	if (give(in[0], secret) < 0)
		return 1;
	shutdown(in[0], SHUT_WR);
	while ((got = get(out[0], 0, text, sizeof(text), &bytes)) >= 0) {
		descriptors += got;
		fwrite(text, 1, (size_t)bytes, stdout);
	}
	waitpid(pid, NULL, 0);
	printf("descriptors that came out: %ld\n", descriptors);
	return 0;
}

static int take(void)
{
	char text[16];
	ssize_t bytes;
	long descriptors;

	alarm(5);
	descriptors = get(0, 0, text, sizeof(text), &bytes);
	if (descriptors < 0)
		say("receive", -1);
	else
		printf("descriptors that came in: %ld\n", descriptors);
	fflush(stdout);
	say("send", give(1, 2));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "take") == 0)
		return take();
	if (argc > 3 && strcmp(argv[1], "pass") == 0)
		return pass(argv[2], argv + 3);
	if (argc != 3)
		return 2;
	if (strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (strcmp(argv[1], "hold") == 0)
		return hold(argv[2]);
	say("connect", call(argv[2]));
	return 0;
}
