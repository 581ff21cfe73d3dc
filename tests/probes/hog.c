/* SPDX-License-Identifier: MIT */
/*
 * hog KIND MIB    takes MIB mebibytes (or MIB pieces) of one resource and prints how far it came: "KIND: N of MIB" and the errno
 * that stopped it. Outside, as a control, a small MIB must be reached.
 *
 * heap touch shared memfd          memory, every page written
 * in-flight dontneed detached      memory that no process maps: memfds on their way through a socket, shared mappings dropped
 *                                  by madvise(2), System V segments nobody is attached to; pieces of 1 MiB
 * forks                            MIB children with 16 MiB each
 * tmpfs PATH, inodes DIR           files
 * pipes sockets epolls fds inotify kernel memory by descriptors
 * many-pipes many-sockets many-inotify   the same in MIB processes of 120 each, held for two seconds; says "held" then
 * pipe-size N                      bytes that a new pipe holds, N times
 * processes threads                MIB at once
 * out err both                     bytes to standard output, error
 * fsize PATH                       one file
 * spin N, sleep N, spin-threads N  N seconds of work, of sleep, on four threads
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

#define MIB (1UL << 20)
static char block[MIB];
static long seconds_to_spin;

static long take_memory(const char *kind, long want)
{
	for (long i = 0; i < want; i++) {
		char *m;

		if (strcmp(kind, "heap") == 0)
			m = malloc(MIB);
		else
			m = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
				 MAP_ANONYMOUS | (kind[0] == 's' ? MAP_SHARED : MAP_PRIVATE), -1, 0);
		if (m == NULL || m == MAP_FAILED)
			return i;
		memset(m, (int)i + 1, MIB);
	}
	return want;
}

/* One piece that stays in memory and that no process has mapped any more (finding 14). */
static int hide_piece(const char *kind, int pair[2])
{
	if (strcmp(kind, "in-flight") == 0) {
		union {
			char buf[CMSG_SPACE(sizeof(int))];
			struct cmsghdr align;
		} control = { .buf = { 0 } };
		struct iovec iov = { .iov_base = block, .iov_len = 1 };
		struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
				     .msg_controllen = sizeof(control.buf) };
		struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);
		int r, fd = memfd_create("piece", 0);

		if (fd < 0 || write(fd, block, MIB) != (ssize_t)MIB)
			return -1;
		*cm = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
		r = sendmsg(pair[0], &mh, MSG_DONTWAIT) == 1 ? 0 : -1;
		close(fd);
		return r;
	}
	if (strcmp(kind, "detached") == 0) {
		int id = shmget(IPC_PRIVATE, MIB, 0600);
		void *m = id < 0 ? (void *)-1 : shmat(id, NULL, 0);

		if (m == (void *)-1)
			return -1;
		memset(m, 1, MIB);
		return shmdt(m);
	}
	void *m = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_SHARED, -1, 0);

	if (m == MAP_FAILED)
		return -1;
	memset(m, 1, MIB);
	return madvise(m, MIB, MADV_DONTNEED);
}

static long take_hidden(const char *kind, long want)
{
	int pair[2];

	memset(block, 'x', sizeof(block));
	for (long i = 0; i < want; i++) {
		if (i % 50 == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
			return i;
		if (hide_piece(kind, pair) < 0)
			return i;
	}
	return want;
}

static long take_file(int fd, long want)
{
	memset(block, 'x', sizeof(block));
	for (long i = 0; i < want; i++) {
		for (size_t done = 0; done < MIB;) {
			ssize_t n = write(fd, block, MIB - done);

			if (n < 0)
				return i;
			done += (size_t)n;
		}
	}
	return want;
}

static long take_inodes(const char *dir, long want)
{
	char path[4096];

	for (long i = 0; i < want; i++) {
		snprintf(path, sizeof(path), "%s/i%ld", dir, i);
		if (mknod(path, S_IFREG | 0600, 0) < 0)
			return i;
	}
	return want;
}

/* Each piece is filled as far as it goes without blocking. */
static long take_descriptors(const char *kind, long want)
{
	for (long i = 0; i < want; i++) {
		int fds[2];

		if (kind[0] == 'p' && pipe2(fds, O_NONBLOCK) < 0)
			return i;
		if (kind[0] == 's' && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
			return i;
		if (kind[0] == 'e' && (fds[1] = epoll_create1(0)) < 0)
			return i;
		if (kind[0] == 'f' && (fds[1] = dup(0)) < 0)
			return i;
		if (kind[0] == 'i' && (fds[1] = inotify_init1(0)) < 0)
			return i;
		while (strchr("efi", kind[0]) == NULL && write(fds[1], block, 65536) > 0)
			;
	}
	return want;
}

/* The sum over all children of what each could take. */
static long take_many(const char *kind, long want)
{
	long sum = 0, one;
	int report[2];

	if (pipe2(report, O_CLOEXEC) < 0)
		return 0;
	for (long i = 0; i < want; i++)
		if (fork() == 0) {
			one = take_descriptors(kind, 120);
			if (write(report[1], &one, sizeof(one)) < 0)
				_exit(1);
			sleep(3);
			_exit(0);
		}
	close(report[1]);
	for (long i = 0; i < want && read(report[0], &one, sizeof(one)) == (ssize_t)sizeof(one); i++)
		sum += one;
	puts("held");
	fflush(stdout);
	sleep(2);
	return sum;
}

static long pipe_size(long count)
{
	int fds[2];
	long least = MIB;

	for (long i = 0; i < count && pipe(fds) == 0; i++) {
		long size = fcntl(fds[0], F_GETPIPE_SZ);

		least = size < least ? size : least;
	}
	return least;
}

static long take_processes(long want)
{
	long made = 0;
	int error;

	for (; made < want; made++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0) {
			alarm(20);
			pause();
			_exit(0);
		}
	}
	error = errno;
	signal(SIGTERM, SIG_IGN);
	/* Only in a process group of its own: outside the group holds the test as well. */
	if (made > 0)
		kill(0, SIGTERM);
	errno = error;
	return made;
}

static long take_forks(long want)
{
	long made = 0;

	for (; made < want; made++) {
		pid_t pid = fork();

		if (pid < 0)
			return made;
		if (pid == 0) {
			take_memory("touch", 16);
			alarm(5);
			pause();
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	return made;
}

static void *spin(void *arg)
{
	struct timespec now, end;
	volatile unsigned long turns = 0;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds_to_spin;
	do
		for (int i = 0; i < 100000; i++)
			turns = turns + 1;
	while (clock_gettime(CLOCK_MONOTONIC, &now) == 0 && now.tv_sec < end.tv_sec);
	return NULL;
}

static void *hold(void *arg)
{
	sleep(20);
	return arg;
}

static long take_threads(long want)
{
	pthread_attr_t attr;
	pthread_t id;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (long i = 0; i < want; i++) {
		int error = pthread_create(&id, &attr, hold, NULL);

		if (error != 0) {
			errno = error;
			return i;
		}
	}
	return want;
}

static long flood(const char *kind, long want)
{
	memset(block, 'x', sizeof(block));
	for (long i = 0; i < want; i++) {
		int fd = strcmp(kind, "both") == 0 ? 1 + (int)(i & 1) : kind[0] == 'e' ? 2 : 1;

		for (size_t done = 0; done < MIB;) {
			ssize_t n = write(fd, block, MIB - done);

			if (n < 0)
				return i;
			done += (size_t)n;
		}
	}
	return want;
}

static long burn(const char *kind, long seconds)
{
	pthread_t ids[4];

	seconds_to_spin = seconds;
	if (strcmp(kind, "sleep") == 0)
		return sleep((unsigned int)seconds) == 0 ? seconds : 0;
	for (int i = 0; strcmp(kind, "spin-threads") == 0 && i < 4; i++)
		pthread_create(&ids[i], NULL, spin, NULL);
	spin(NULL);
	return seconds;
}

static long take(const char *kind, const char *path, long want)
{
	if (strcmp(kind, "heap") == 0 || strcmp(kind, "touch") == 0 || strcmp(kind, "shared") == 0)
		return take_memory(kind, want);
	if (strcmp(kind, "in-flight") == 0 || strcmp(kind, "dontneed") == 0 || strcmp(kind, "detached") == 0)
		return take_hidden(kind, want);
	if (strcmp(kind, "memfd") == 0) {
		int fd = memfd_create("probe", 0);

		return fd < 0 ? 0 : take_file(fd, want);
	}
	if (strcmp(kind, "tmpfs") == 0 || strcmp(kind, "fsize") == 0) {
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		return fd < 0 ? 0 : take_file(fd, want);
	}
	if (strcmp(kind, "inodes") == 0)
		return take_inodes(path, want);
	if (strcmp(kind, "processes") == 0)
		return take_processes(want);
	if (strncmp(kind, "many-", 5) == 0)
		return take_many(kind + 5, want);
	if (strcmp(kind, "pipe-size") == 0)
		return pipe_size(want);
	if (strcmp(kind, "forks") == 0)
		return take_forks(want);
	if (strcmp(kind, "threads") == 0)
		return take_threads(want);
	if (strcmp(kind, "out") == 0 || strcmp(kind, "err") == 0 || strcmp(kind, "both") == 0)
		return flood(kind, want);
	if (strncmp(kind, "spin", 4) == 0 || strcmp(kind, "sleep") == 0)
		return burn(kind, want);
	return take_descriptors(kind, want);
}

int main(int argc, char **argv)
{
	long want, got;

	if (argc < 3 || argc > 4)
		return 2;
	want = number(argv[argc - 1]);
	errno = 0;
	got = take(argv[1], argv[2], want);
	fprintf(argv[1][0] == 'o' || argv[1][0] == 'b' ? stderr : stdout, "%s: %ld of %ld%s%s\n", argv[1], got, want,
		got < want ? " " : "", got < want ? error_name(errno) : "");
	return 0;
}
