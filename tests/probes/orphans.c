/* SPDX-License-Identifier: MIT */
/*
 * orphans N [KEEP]    makes N orphans that die at once, never more than KEEP (100) unreaped on purpose, and prints how many
 * could be made. With a PID 1 that does not reap, the process limit is reached long before 10,000.
 */
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

int main(int argc, char **argv)
{
	long want = argc > 1 ? number(argv[1]) : 0, made = 0;

	for (int tries = 0; made < want && tries < 20000;) {
		int status;
		pid_t pid = vfork();

		if (pid == 0) {
			/* The grandchild ends after its parent: it is PID 1's to reap. */
			pid_t orphan = fork();

			if (orphan == 0) {
				sched_yield();
				_exit(0);
			}
			_exit(orphan < 0 ? 1 : 0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			tries++;
			usleep(1000);
			continue;
		}
		made++;
	}
	printf("orphans: %ld\n", made);
	return 0;
}
