/* SPDX-License-Identifier: MIT */
/*
 * daemon MODE SECONDS MARK    processes that try to stay. MARK is only there to be found in ps by the test; nothing lives
 * longer than SECONDS (SIGALRM), so the control outside ends as well.
 *   double     double fork, setsid, standard streams closed; the first process exits 0
 *   keep       the same, but standard streams stay open
 *   stopped    as double, and it stops itself
 *   subreaper  a subreaper with a child in a session of its own
 *   many       as double, twenty times
 *   stubborn   no fork: ignores and blocks every signal and stays
 *   stubborn-tree  the same with four children
 *   session    setsid, ignores SIGHUP, stays: to be killed with its parent
 *   stay       stays, and dies of any signal
 *   stop-self  stops itself in the foreground
 *   abort      dies of SIGABRT (128+N, core handling)
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "probe.h"

static void ignore_all(void)
{
	sigset_t all;

	for (int number_ = 1; number_ < 65; number_++)
		if (number_ != SIGALRM)
			signal(number_, SIG_IGN);
	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

static void stay(unsigned int seconds)
{
	signal(SIGALRM, SIG_DFL);
	alarm(seconds);
	for (;;)
		pause();
}

static void detach(unsigned int seconds, int keep, int stop)
{
	if (fork() != 0)
		return;
	setsid();
	if (fork() != 0)
		_exit(0);
	if (!keep)
		for (int fd = 0; fd < 64; fd++)
			close(fd);
	ignore_all();
	alarm(seconds);
	if (stop)
		raise(SIGSTOP);
	stay(seconds);
}

int main(int argc, char **argv)
{
	const char *mode = argc == 4 ? argv[1] : "";
	unsigned int seconds = argc == 4 ? (unsigned int)number(argv[2]) : 0;

	if (seconds == 0 || seconds > 60)
		return 2;
	printf("started\n");
	fflush(stdout);
	if (strcmp(mode, "double") == 0 || strcmp(mode, "keep") == 0 || strcmp(mode, "stopped") == 0) {
		detach(seconds, mode[0] == 'k', mode[0] == 's');
	} else if (strcmp(mode, "many") == 0) {
		for (int i = 0; i < 20; i++)
			detach(seconds, 0, 0);
	} else if (strcmp(mode, "subreaper") == 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		detach(seconds, 1, 0);
		if (fork() == 0) {
			setsid();
			prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
			stay(seconds);
		}
	} else if (strncmp(mode, "stubborn", 8) == 0) {
		ignore_all();
		for (int i = 0; mode[8] != '\0' && i < 4; i++)
			if (fork() == 0)
				break;
		stay(seconds);
	} else if (strcmp(mode, "session") == 0) {
		setsid();
		signal(SIGHUP, SIG_IGN);
		prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
		stay(seconds);
	} else if (strcmp(mode, "stay") == 0) {
		stay(seconds);
	} else if (strcmp(mode, "stop-self") == 0) {
		alarm(seconds);
		raise(SIGSTOP);
		printf("continued\n");
	} else if (strcmp(mode, "abort") == 0) {
		abort();
	} else {
		return 2;
	}
	return 0;
}
