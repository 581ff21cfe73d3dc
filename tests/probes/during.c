/* SPDX-License-Identifier: MIT */
/*
 * during SIGNAL COUNT MICROSECONDS FILE COMMAND...    starts COMMAND COUNT times, its output in FILE, and sends each the
 * signal after a random time of at most MICROSECONDS. Prints how many had written nothing yet ("early"), how many had
 * ("late"), and how many lived for more than a second after the signal ("slow"). Not a shell's work: between its fork and
 * its exec a shell's own handling of signals would be what is tested.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

extern char **environ;

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static pid_t start(const char *file, char **argv)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all;
	pid_t pid;

	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, file, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, argv[0], &actions, &attributes, argv, environ) != 0) {
		fprintf(stderr, "cannot start %s\n", argv[0]);
		exit(1);
	}
	return pid;
}

int main(int argc, char **argv)
{
	long early = 0, late = 0, slow = 0, sent;
	struct stat st;

	if (argc < 6)
		return 2;
	srandom((unsigned int)getpid());
	for (long i = 0; i < number(argv[2]); i++) {
		pid_t pid = start(argv[4], argv + 5);

		usleep((useconds_t)(random() % number(argv[3])));
		kill(pid, (int)number(argv[1]));
		sent = now_ms();
		waitpid(pid, NULL, 0);
		slow += now_ms() - sent > 1000;
		if (stat(argv[4], &st) == 0 && st.st_size > 0)
			late++;
		else
			early++;
	}
	printf("early %ld late %ld slow %ld\n", early, late, slow);
	return 0;
}
