/* SPDX-License-Identifier: MIT */
/*
 * refused all               every call from 0 to 600 in a process of its own, with arguments that no call can use
 * refused flood THREADS N   so many threads make a refused call so many times; counts the answers
 * refused forever THREADS   the same without an end; says "running" first
 * refused listener          looks for a listener's descriptor, and tries to make one
 * refused names N           N refused calls, each under another name of the thread
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

static long rounds;
static long answered;

static int forks(long n)
{
#ifdef SYS_fork
	if (n == SYS_fork || n == SYS_vfork)
		return 1;
#endif
	return n == SYS_clone;
}

/* 0: the call's errno is the exit status; else it died. */
static void one(long n)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		long r;

		alarm(2);
		r = syscall(n, -1L, -1L, -1L, -1L, -1L, -1L);
		_exit(r == -1 ? errno & 0xff : 0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("%ld: signal %d\n", n, WTERMSIG(status));
	else
		printf("%ld: %s\n", n, WEXITSTATUS(status) ? error_name(WEXITSTATUS(status)) : "OK");
}

static void all(void)
{
	for (long n = 0; n <= 600; n++)
		if (!forks(n)) /* they return twice */
			one(n);
}

static void *work(void *arg)
{
	(void)arg;
	for (long i = 0; rounds < 0 || i < rounds; i++)
		if (syscall(SYS_io_setup, 1, 0) == -1 && errno == ENOSYS)
			__atomic_add_fetch(&answered, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void flood(long threads)
{
	pthread_t ids[64];

	for (long i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, work, NULL) != 0)
			exit(3);
	for (long i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	printf("answered: %ld\n", answered);
}

static void listener(void)
{
	struct sock_filter insns[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog prog = { 1, insns };
	long fd;

	for (int i = 3; i < 256; i++)
		if (fcntl(i, F_GETFD) >= 0)
			printf("descriptor %d is open\n", i);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	say("plain filter", syscall(SYS_seccomp, 1, 0, &prog));
	fd = syscall(SYS_seccomp, 1, 8 /* NEW_LISTENER */, &prog);
	say("listener", fd);
	say("listener, flags with high bits", syscall(SYS_seccomp, 1, 0xffffffff00000008UL, &prog));
	say("listener, by all threads", syscall(SYS_seccomp, 1, 8 | 1 | 16 /* TSYNC, TSYNC_ESRCH */, &prog));
}

static void names(long n)
{
	for (long i = 0; i < n; i++) {
		char name[32]; /* the kernel takes 15 bytes */

		snprintf(name, sizeof(name), "n\033[1m%ld", i);
		prctl(PR_SET_NAME, name);
		syscall(SYS_io_setup, 1, 0);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "all") == 0) {
		all();
	} else if (strcmp(what, "flood") == 0 && argc == 4) {
		rounds = number(argv[3]);
		flood(number(argv[2]));
	} else if (strcmp(what, "forever") == 0 && argc == 3) {
		rounds = -1;
		puts("running");
		fflush(stdout);
		flood(number(argv[2]));
	} else if (strcmp(what, "listener") == 0) {
		listener();
	} else if (strcmp(what, "names") == 0 && argc == 3) {
		names(number(argv[2]));
	} else {
		fprintf(stderr, "usage: refused all | flood THREADS N | forever THREADS | listener | names N\n");
		return 2;
	}
	return 0;
}
