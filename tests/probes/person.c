/* SPDX-License-Identifier: MIT */
/*
 * person    requests that weaken or change a process's own protection: personality(2), prctl(2), arch_prctl(2), rlimits,
 * pipe sizes. Each in a child of its own, because some stay.
 */
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

#define IN_CHILD(name, act)                                                                    \
	do {                                                                                   \
		int status_ = 0;                                                               \
		pid_t pid_ = fork();                                                           \
		if (pid_ == 0) {                                                               \
			errno = 0;                                                             \
			_exit((act) < 0 ? errno : 0);                                          \
		}                                                                              \
		waitpid(pid_, &status_, 0);                                                    \
		errno = WIFEXITED(status_) ? WEXITSTATUS(status_) : EINTR;                     \
		say(name, errno == 0 ? 0 : -1);                                                \
	} while (0)

static long limit(int resource, unsigned long soft, unsigned long hard)
{
	unsigned long value[2] = { soft, hard };

	return syscall(SYS_prlimit64, 0, resource, value, NULL);
}

static long old_limit(int resource, unsigned long soft, unsigned long hard)
{
	unsigned long value[2] = { soft, hard };

	return syscall(SYS_setrlimit, resource, value);
}

static long raise_hard(int resource)
{
	unsigned long value[2];

	if (syscall(SYS_prlimit64, 0, resource, NULL, value) < 0)
		return -1;
	if (value[1] == ~0UL) {
		errno = EDOM; /* it has no limit: nothing to raise */
		return -1;
	}
	return limit(resource, value[1] + 1, value[1] + 1);
}

static void limits(void)
{
	static const struct {
		const char *name;
		int resource;
	} all[] = {
		{ "as", RLIMIT_AS },		     { "core", RLIMIT_CORE },	     { "cpu", RLIMIT_CPU },
		{ "data", RLIMIT_DATA },	     { "fsize", RLIMIT_FSIZE },	     { "locks", 10 },
		{ "memlock", RLIMIT_MEMLOCK },	     { "msgqueue", 12 },	     { "nice", 13 },
		{ "nofile", RLIMIT_NOFILE },	     { "nproc", RLIMIT_NPROC },	     { "rss", RLIMIT_RSS },
		{ "rtprio", 14 },		     { "rttime", 15 },		     { "sigpending", 11 },
		{ "stack", RLIMIT_STACK },
	};
	char name[64];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		unsigned long value[2] = { 0, 0 };

		snprintf(name, sizeof(name), "raise %s", all[i].name);
		IN_CHILD(name, raise_hard(all[i].resource));
		syscall(SYS_prlimit64, 0, all[i].resource, NULL, value);
		if (value[0] == ~0UL)
			printf("%s: unlimited\n", all[i].name);
		else
			printf("%s: %lu\n", all[i].name, value[0]);
		fflush(stdout);
	}
}

static long pipe_size(int size)
{
	int fds[2];

	return pipe(fds) < 0 ? -1 : fcntl(fds[0], F_SETPIPE_SZ, size);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "limits") == 0) {
		limits();
		return 0;
	}
	IN_CHILD("personality query", syscall(SYS_personality, 0xffffffff));
	IN_CHILD("personality linux", syscall(SYS_personality, 0));
	IN_CHILD("personality READ_IMPLIES_EXEC", syscall(SYS_personality, 0x0400000));
	IN_CHILD("personality ADDR_NO_RANDOMIZE", syscall(SYS_personality, 0x0040000));
	IN_CHILD("personality ADDR_COMPAT_LAYOUT", syscall(SYS_personality, 0x0200000));
	IN_CHILD("personality MMAP_PAGE_ZERO", syscall(SYS_personality, 0x0100000));
	IN_CHILD("personality linux32", syscall(SYS_personality, 8));
	IN_CHILD("personality high bits", syscall(SYS_personality, (1UL << 32) | 0x0400000));
	IN_CHILD("core 0", limit(RLIMIT_CORE, 0, 0));
	IN_CHILD("core 1", limit(RLIMIT_CORE, 1, 1));
	IN_CHILD("core unlimited", limit(RLIMIT_CORE, ~0UL, ~0UL));
	IN_CHILD("core by setrlimit", old_limit(RLIMIT_CORE, 0, 0));
	IN_CHILD("core query", syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL));
	IN_CHILD("nofile lower", limit(RLIMIT_NOFILE, 16, 16));
	IN_CHILD("pipe larger", pipe_size(1 << 20));
	IN_CHILD("pipe smaller", pipe_size(4096));
	IN_CHILD("dumpable 0", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
	IN_CHILD("dumpable 2", prctl(PR_SET_DUMPABLE, 2, 0, 0, 0));
	IN_CHILD("name", prctl(PR_SET_NAME, "probe", 0, 0, 0));
	IN_CHILD("bounding set drop", prctl(PR_CAPBSET_DROP, 0, 0, 0, 0));
	IN_CHILD("mm exe", prctl(PR_SET_MM, 13 /* EXE_FILE */, 0, 0, 0));
	IN_CHILD("timing tsc", prctl(PR_SET_TIMING, 1, 0, 0, 0));
	IN_CHILD("seccomp strict off", prctl(PR_SET_SECCOMP, 0, 0, 0, 0));
	return 0;
}
