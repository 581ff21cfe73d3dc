/* SPDX-License-Identifier: MIT */
/* The default filter installed for real: what the running kernel answers under it, and what loading it costs. */
#include "plan/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../tap.h"
#include "plan/filter-build.h"

#define HIGH 0x100000000ULL

static const struct sr_compiled_profile *default_profile(void)
{
	for (size_t i = 0; i < sr_compiled_profile_count; i++) {
		if (strcmp(sr_compiled_profiles[i].name, "default") == 0)
			return &sr_compiled_profiles[i];
	}
	return NULL;
}

static double microseconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool install(const struct sr_compiled_filter *f, double *us)
{
	struct sock_fprog program = { .len = f->count, .filter = (struct sock_filter *)f->insns };
	double start = microseconds();
	bool good = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;

	*us = microseconds() - start;
	return good;
}

/* Runs one function in a child under the filter: its exit status, or 128 + the signal that ended it. */
static int under_filter(const struct sr_compiled_filter *f, int (*act)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		double us;

		_exit(install(f, &us) ? act() : 99);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int errno_of(long r)
{
	return r < 0 ? errno : 0;
}

static int act_getppid(void)
{
	return getppid() > 0 ? 0 : 1;
}

static int act_unshare(void)
{
	return errno_of(syscall(SYS_unshare, CLONE_NEWUSER));
}

static int act_clone_newuser(void)
{
	return errno_of(syscall(SYS_clone, (unsigned long)CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static int act_clone3(void)
{
	return errno_of(syscall(SYS_clone3, NULL, 0));
}

static int act_tiocsti(void)
{
	return errno_of(syscall(SYS_ioctl, 0, 0x5412 + HIGH, NULL));
}

static int act_netlink(void)
{
	return errno_of(syscall(SYS_socket, 16, 3, 0));
}

/* As an ordinary user: EPERM without the filter. */
static int act_raw(void)
{
	return errno_of(syscall(SYS_socket, 2, 3, 6));
}

static int act_sctp(void)
{
	return errno_of(syscall(SYS_socket, 2, 1, 132 + HIGH));
}

static int act_tcp(void)
{
	return errno_of(syscall(SYS_socket, 10 + HIGH, 0x80801, 6 + HIGH)) % EAFNOSUPPORT; /* a machine without IPv6 */
}

/* Descriptor -1: EBADF without the filter. */
static int act_vmsplice(void)
{
	return errno_of(syscall(SYS_vmsplice, -1, NULL, 0, 0));
}

/* With a flag that pipe2 does not know: EINVAL without the filter. */
static int act_notification_pipe(void)
{
	return errno_of(syscall(SYS_pipe2, NULL, 0x81));
}

static int act_core(void)
{
	struct rlimit limit = { 0, 0 };

	return errno_of(setrlimit(RLIMIT_CORE, &limit));
}

static int act_unknown(void)
{
	return errno_of(syscall(1100));
}

static int act_minus_one(void)
{
	return errno_of(syscall(-1L));
}

static int act_x32(void)
{
	return errno_of(syscall(0x40000000 | SYS_getpid));
}

static void test_kernel(const struct sr_compiled_filter *f)
{
	static const struct {
		const char *name;
		int (*act)(void);
		int want;
	} cases[] = {
		{ "kernel: an allowed call", act_getppid, 0 },
		{ "kernel: unshare is EPERM", act_unshare, EPERM },
		{ "kernel: clone with a namespace is EPERM", act_clone_newuser, EPERM },
		{ "kernel: clone3 is ENOSYS", act_clone3, ENOSYS },
		{ "kernel: TIOCSTI with a high bit is EPERM", act_tiocsti, EPERM },
		{ "kernel: a netlink socket is EAFNOSUPPORT", act_netlink, EAFNOSUPPORT },
		{ "kernel: a raw socket is EPROTONOSUPPORT", act_raw, EPROTONOSUPPORT },
		{ "kernel: an SCTP socket is EPROTONOSUPPORT", act_sctp, EPROTONOSUPPORT },
		{ "kernel: a TCP socket", act_tcp, 0 },
		{ "kernel: vmsplice is ENOSYS", act_vmsplice, ENOSYS },
		{ "kernel: a notification pipe is ENOPKG", act_notification_pipe, ENOPKG },
		{ "kernel: RLIMIT_CORE is EPERM", act_core, EPERM },
		{ "kernel: an unknown call is ENOSYS", act_unknown, ENOSYS },
		{ "kernel: call -1 is ENOSYS", act_minus_one, ENOSYS },
#ifdef __x86_64__
		{ "kernel: an x32 call kills", act_x32, 128 + SIGSYS },
#else
		{ "kernel: no x32 here", act_x32, ENOSYS },
#endif
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++)
		IS_INT(under_filter(f, cases[i].act), cases[i].want, cases[i].name);
}

/* Each in a child of its own: filters add up. */
static void note_load_time(const struct sr_compiled_filter *f)
{
	double best = 1e9;
	int ends[2];

	if (pipe(ends) < 0)
		return;
	for (int i = 0; i < 20; i++) {
		double us = 0;

		if (fork() == 0) {
			(void)(install(f, &us) && write(ends[1], &us, sizeof(us)));
			_exit(0);
		}
		(void)wait(NULL);
		if (read(ends[0], &us, sizeof(us)) != sizeof(us))
			return;
		best = us < best ? us : best;
	}
	tap_note("default: %u instructions, loaded in %.0f us", f->count, best);
}

static void note_build_time(void)
{
	struct sr_policy p;
	struct sr_filter f = { .insns = NULL };
	double start;

	policy_init(&p);
	for (const char *const *name = default_profile()->allow; *name; name++)
		(void)strv_add(&p.seccomp.allow, *name);
	(void)strv_add(&p.seccomp.deny, "getpid");
	start = microseconds();
	if (filter_build(&p, true, &f, NULL) == 0)
		tap_note("a profile of one's own: %u instructions, compiled in %.0f us", f.count, microseconds() - start);
	filter_done(&f);
	policy_done(&p);
}

int main(void)
{
	const struct sr_compiled_profile *p = default_profile();
	enum sr_arch arch = syscalls_native_arch();

	if (!OK(p && arch < SR_ARCH_MAX, "there is a filter for this machine"))
		return tap_done();
	for (int counted = 0; counted < 2; counted++)
		test_kernel(&p->filter[arch][counted]);
	note_load_time(&p->filter[arch][1]);
	note_build_time();
	return tap_done();
}
