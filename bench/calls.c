/* SPDX-License-Identifier: MIT */
/*
 * calls: nanoseconds a system call takes, for bench/syscalls. Prints one line a call: NAME NS.
 *
 *   calls [COUNT]     COUNT calls of each kind (200000); each kind is timed in 10 parts and the quickest counts
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PARTS 10

static int zero_fd, null_fd;
static char byte;

static long call_getpid(void)
{
	return syscall(SYS_getpid);
}

static long call_read(void)
{
	return syscall(SYS_read, zero_fd, &byte, (size_t)1);
}

static long call_write(void)
{
	return syscall(SYS_write, null_fd, &byte, (size_t)1);
}

static long call_fstat(void)
{
	struct stat st;

	return fstat(null_fd, &st);
}

static long open_close(const char *path)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);

	return fd < 0 ? fd : syscall(SYS_close, (int)fd);
}

static long call_open_null(void)
{
	return open_close("/dev/null");
}

static long call_open_usr(void)
{
	return open_close("/usr/bin/env");
}

static const struct {
	const char *name;
	long (*call)(void);
	unsigned divide; /* COUNT is divided by this: dear calls are made less often */
} kinds[] = {
	{ "getpid", call_getpid, 1 },
	{ "read", call_read, 1 },
	{ "write", call_write, 1 },
	{ "fstat", call_fstat, 1 },
	{ "openat+close-dev", call_open_null, 10 },
	{ "openat+close-usr", call_open_usr, 10 },
};

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Nanoseconds a call in the quickest part, or -1 when a call failed. */
static double measure(long (*call)(void), unsigned long count)
{
	double best = -1;

	for (int part = 0; part < PARTS; part++) {
		double begin = now_ns(), each;

		for (unsigned long i = 0; i < count / PARTS; i++)
			if (call() < 0)
				return -1;
		each = (now_ns() - begin) / (double)(count / PARTS);
		if (best < 0 || each < best)
			best = each;
	}
	return best;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;

	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (zero_fd < 0 || null_fd < 0 || count < 1000) {
		fputs("calls: cannot open /dev/zero and /dev/null, or COUNT is below 1000\n", stderr);
		return 1;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		double ns = measure(kinds[i].call, count / kinds[i].divide);

		if (ns < 0) {
			fprintf(stderr, "calls: %s failed\n", kinds[i].name);
			return 1;
		}
		printf("%s %.1f\n", kinds[i].name, ns);
	}
	return 0;
}
