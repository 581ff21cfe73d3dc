/* SPDX-License-Identifier: MIT */
/*
 * spawn    every way to a new namespace, by unshare(2), clone(2) and clone3(2), and then the ways to a process and a
 * thread that must work. CLONE_NEWPID by unshare comes last: it changes what later children are.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif

static const struct {
	const char *name;
	int flag;
} kinds[] = {
	{ "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS }, { "net", CLONE_NEWNET }, { "ipc", CLONE_NEWIPC },
	{ "uts", CLONE_NEWUTS }, { "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME }, { "pid", CLONE_NEWPID },
	{ "user+mnt+pid", CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID },
};

/* In a child, so that an unshare that works changes nothing here. */
static long in_child_unshare(int flags)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(flags) < 0 ? errno : 0);
	waitpid(pid, &status, 0);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
	return errno == 0 ? 0 : -1;
}

static long reaped(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return pid;
}

static long raw_clone(unsigned long flags)
{
	return reaped(syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0));
}

static long raw_clone3(uint64_t flags)
{
	uint64_t args[11] = { flags, 0, 0, 0, SIGCHLD };

	return reaped(syscall(SYS_clone3, args, 64));
}

static void *thread(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

static long by_thread(void)
{
	pthread_t id;
	int ran = 0;

	errno = pthread_create(&id, NULL, thread, &ran);
	if (errno != 0)
		return -1;
	pthread_join(id, NULL);
	return ran == 1 ? 0 : -1;
}

static long by_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : waitpid(pid, NULL, 0);
}

int main(void)
{
	char name[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(name, sizeof(name), "unshare %s", kinds[i].name);
		say(name, in_child_unshare(kinds[i].flag));
		snprintf(name, sizeof(name), "clone %s", kinds[i].name);
		/* clone(2) keeps the exit signal in the low byte: no CLONE_NEWTIME there. */
		if (kinds[i].flag != CLONE_NEWTIME)
			say(name, raw_clone((unsigned int)kinds[i].flag));
		snprintf(name, sizeof(name), "clone3 %s", kinds[i].name);
		say(name, raw_clone3((unsigned int)kinds[i].flag));
	}
	say("clone3 plain", raw_clone3(0));
	say("clone high bits", raw_clone((1UL << 32) | CLONE_NEWUSER));
	say("fork", reaped(fork()));
	say("vfork", by_vfork());
	say("thread", by_thread());
	return 0;
}
