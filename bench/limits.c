/* SPDX-License-Identifier: MIT */
/*
 * Both ends of bench/limits.
 *
 * limits take KIND [N]         takes one resource as fast as it can and says each unit with one byte on standard output:
 *   memory     MiB written, one process             memory4   the same by four processes
 *   shared     MiB of shared mappings               hidden    MiB of shared mappings that are dropped: nobody maps them
 *   tmpfs      MiB of a file in /work               pids      children that live, by one process that forks
 *   storm      the same by children that fork too   cpu       10 ms of processor time, one thread
 *   cpu4       the same by four processes           orphans   10 ms by short-lived children that nobody waits for
 *   wall       ms                                   output    4 KiB of standard output
 * limits measure UNITS COMMAND...  runs COMMAND, counts its bytes, and prints "COUNT MS STATUS": how many units there were, how
 *   many ms lay between unit number UNITS and the end of all of them (0 when it was never reached), and the exit status.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>

#define MIB (1UL << 20)

static char block[MIB];

static long long now_us(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static void unit(void)
{
	if (write(1, "u", 1) != 1)
		_exit(1);
}

static void memory(int flags, int drop)
{
	for (;;) {
		char *m = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

		if (m == MAP_FAILED) {
			(void)pause();
			continue;
		}
		memset(m, 1, MIB);
		unit();
		if (drop)
			(void)munmap(m, MIB - 4096); /* one page keeps the object, madvise would do the same */
	}
}

static void tmpfs(void)
{
	int fd = open("/work/file", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	for (;;) {
		if (write(fd, block, MIB) != (ssize_t)MIB)
			(void)pause();
		unit();
	}
}

static void forks(int storm)
{
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			unit();
			while (!storm)
				(void)pause();
		}
		if (pid < 0)
			(void)usleep(1000);
	}
}

static void processor(void)
{
	long long last = now_us(CLOCK_PROCESS_CPUTIME_ID);

	for (;;) {
		while (now_us(CLOCK_PROCESS_CPUTIME_ID) - last < 10000)
			;
		last += 10000;
		unit();
	}
}

static void orphans(void)
{
	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			while (now_us(CLOCK_PROCESS_CPUTIME_ID) < 10000)
				;
			unit();
			_exit(0);
		}
		(void)wait(NULL); /* until none is left; nobody counts them */
	}
}

static void wall(void)
{
	long long next = now_us(CLOCK_MONOTONIC);

	for (;;) {
		const struct timespec ms = { .tv_nsec = 200000 };

		(void)nanosleep(&ms, NULL);
		while (now_us(CLOCK_MONOTONIC) - next >= 1000) {
			next += 1000;
			unit();
		}
	}
}

static int take(const char *kind)
{
	size_t len = strlen(kind);

	if (kind[len - 1] == '4') {
		for (int i = 0; i < 3 && fork() != 0; i++)
			;
		len--;
	}
	if (strncmp(kind, "memory", len) == 0)
		memory(MAP_PRIVATE, 0);
	if (strcmp(kind, "shared") == 0 || strcmp(kind, "hidden") == 0)
		memory(MAP_SHARED, kind[0] == 'h');
	if (strcmp(kind, "tmpfs") == 0)
		tmpfs();
	if (strcmp(kind, "pids") == 0 || strcmp(kind, "storm") == 0)
		forks(kind[0] == 's');
	if (strncmp(kind, "cpu", len) == 0)
		processor();
	if (strcmp(kind, "orphans") == 0)
		orphans();
	if (strcmp(kind, "wall") == 0)
		wall();
	while (strcmp(kind, "output") == 0)
		unit();
	return 2;
}

static int measure(long units, char **command)
{
	long long crossed = 0, end, last = 0;
	long count = 0;
	int line[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(line) < 0 || (pid = fork()) < 0)
		return 1;
	if (pid == 0) {
		(void)dup2(line[1], 1);
		(void)close(line[0]);
		(void)close(line[1]);
		(void)execvp(command[0], command);
		_exit(127);
	}
	(void)close(line[1]);
	while ((n = read(line[0], block, 4096)) > 0 || (n < 0 && errno == EINTR)) {
		last = now_us(CLOCK_MONOTONIC);
		count += n > 0 ? n : 0;
		if (!crossed && count >= units)
			crossed = last;
	}
	end = now_us(CLOCK_MONOTONIC);
	(void)waitpid(pid, &status, 0);
	printf("%ld %.1f %d\n", count, crossed ? (double)(end - crossed) / 1000 : 0.0,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "take") == 0)
		return take(argv[2]);
	if (argc > 3 && strcmp(argv[1], "measure") == 0)
		return measure(strtol(argv[2], NULL, 10), argv + 3);
	return 2;
}
