/* SPDX-License-Identifier: MIT */
/* The filters of default and strict installed for real: what the running kernel answers under it, and what loading it costs. */
#include "plan/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../tap.h"
#include "plan/filter-build.h"

#define HIGH 0x100000000ULL

static const struct sr_compiled_profile *profile(const char *name)
{
	for (size_t i = 0; i < sr_compiled_profile_count; i++) {
		if (strcmp(sr_compiled_profiles[i].name, name) == 0)
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

static int act_personality(void)
{
	return errno_of(syscall(SYS_personality, 0x0400000 + HIGH)); /* READ_IMPLIES_EXEC */
}

static int act_personality_read(void)
{
	return errno_of(syscall(SYS_personality, 0xffffffffffffffffULL));
}

static int act_prctl_mm(void)
{
	return errno_of(syscall(SYS_prctl, 35 + HIGH, 1, 0, 0, 0)); /* PR_SET_MM */
}

/* With a bit that the kernel drops, and the flags where it drops them. */
static int act_clone_high(void)
{
	return errno_of(syscall(SYS_clone, (unsigned long)CLONE_NEWNET | SIGCHLD | HIGH, 0, 0, 0, 0));
}

static int act_clone_dropped(void)
{
	long pid = syscall(SYS_clone, ((unsigned long)CLONE_NEWUSER << 32) | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : waitpid((pid_t)pid, NULL, 0) == pid ? 0 : -1;
}

/* What a pipe holds after it was asked to hold so much; 128 for an errno of EPERM. */
static int pipe_after(unsigned long size)
{
	int ends[2];
	long r = pipe(ends) < 0 ? -1 : syscall(SYS_fcntl, ends[1], 1031 + HIGH, size);

	return r < 0 ? (errno == EPERM ? 128 : 127) : (int)(r >> 12);
}

static int act_pipe_small(void)
{
	return pipe_after(4096) * 4096 >= sysconf(_SC_PAGESIZE) ? 0 : 1;
}

static int act_pipe_plain(void)
{
	return pipe_after(65536) >= 16 && pipe_after(65536) < 128 ? 0 : 1;
}

static int act_pipe_large(void)
{
	return pipe_after(65537) == 128 && pipe_after(1 << 20) == 128 ? EPERM : pipe_after(65537);
}

static int act_pipe_larger(void)
{
	return pipe_after((1UL << 20) | HIGH) == 128 ? EPERM : 0;
}

static int map(unsigned long protection, unsigned long later)
{
	long page = sysconf(_SC_PAGESIZE);
	long at = syscall(SYS_mmap, 0, page, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == -1)
		return errno;
	return later ? errno_of(syscall(SYS_mprotect, at, page, later)) : 0;
}

static int act_map_write_exec(void)
{
	return map(PROT_READ | PROT_WRITE | PROT_EXEC, 0);
}

static int act_map_write_exec_high(void)
{
	return map(PROT_WRITE | PROT_EXEC | HIGH, 0);
}

static int act_protect_write_exec(void)
{
	return map(PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int act_pkey_write_exec(void)
{
	long page = sysconf(_SC_PAGESIZE);
	long at = syscall(SYS_mmap, 0, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return errno_of(syscall(SYS_pkey_mprotect, at, page, PROT_WRITE | PROT_EXEC, -1)); /* no key: as mprotect */
}

static int act_merge(void)
{
	long page = sysconf(_SC_PAGESIZE);
	long at = syscall(SYS_mmap, 0, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return errno_of(syscall(SYS_madvise, at, page, 12 + HIGH)); /* MADV_MERGEABLE */
}

static int act_advice(void)
{
	long page = sysconf(_SC_PAGESIZE);
	long at = syscall(SYS_mmap, 0, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return errno_of(syscall(SYS_madvise, at, page, MADV_DONTNEED));
}

/* Not refused, and said so: first one, then the other. */
static int act_write_then_exec(void)
{
	return map(PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC);
}

static int act_inet(void)
{
	return errno_of(syscall(SYS_socket, 2 + HIGH, 1, 0));
}

static int act_unix(void)
{
	return errno_of(syscall(SYS_socket, 1, 1, 0));
}

/* Descriptor -1: EBADF without a filter. */
static int act_inotify(void)
{
	return errno_of(syscall(SYS_inotify_rm_watch, -1, 0));
}

struct kernel_case {
	const char *name;
	int (*act)(void);
	int want;
};

static void test_kernel(const char *profile_name, const struct sr_compiled_filter *f, const struct kernel_case *list, size_t count)
{
	char name[128];

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "%s: %s", profile_name, list[i].name);
		IS_INT(under_filter(f, list[i].act), list[i].want, name);
	}
}

static const struct kernel_case cases[] = {
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
	{ "kernel: another personality is EPERM", act_personality, EPERM },
	{ "kernel: the personality may be read", act_personality_read, 0 },
	{ "kernel: PR_SET_MM is EPERM", act_prctl_mm, EPERM },
	{ "kernel: clone with a namespace and a high bit is EPERM", act_clone_high, EPERM },
	{ "kernel: clone with flags in the half that is dropped", act_clone_dropped, 0 },
	{ "kernel: a pipe may be made smaller", act_pipe_small, 0 },
	{ "kernel: a pipe may be asked for what it holds", act_pipe_plain, 0 },
	{ "kernel: a larger pipe is EPERM", act_pipe_large, EPERM },
	{ "kernel: a larger pipe with a high bit is EPERM", act_pipe_larger, EPERM },
	{ "kernel: memory that is writable and executable", act_map_write_exec, 0 },
	{ "kernel: the same by mprotect", act_protect_write_exec, 0 },
	{ "kernel: pages to be merged with others' are EINVAL", act_merge, EINVAL },
	{ "kernel: other advice", act_advice, 0 },
};

static const struct kernel_case strict_cases[] = {
	{ "kernel: an allowed call", act_getppid, 0 },
	{ "kernel: memory that is writable and executable is EPERM", act_map_write_exec, EPERM },
	{ "kernel: the same with a high bit is EPERM", act_map_write_exec_high, EPERM },
	{ "kernel: by mprotect it is EPERM", act_protect_write_exec, EPERM },
	{ "kernel: by pkey_mprotect it is EPERM", act_pkey_write_exec, EPERM },
	{ "kernel: first writable, then executable is allowed", act_write_then_exec, 0 },
	{ "kernel: an internet socket is EAFNOSUPPORT", act_inet, EAFNOSUPPORT },
	{ "kernel: a UNIX socket", act_unix, 0 },
	{ "kernel: inotify is ENOSYS", act_inotify, ENOSYS },
	{ "kernel: an unknown call is ENOSYS", act_unknown, ENOSYS },
};

/* The controls: without a filter the kernel refuses none of these. */
static void test_unfiltered(void)
{
	IS_INT(act_map_write_exec(), 0, "no filter: memory that is writable and executable");
	IS_INT(act_map_write_exec_high(), 0, "no filter: the kernel drops the high bit");
	IS_INT(act_protect_write_exec(), 0, "no filter: by mprotect");
	IS_INT(act_pkey_write_exec() % ENOSYS, 0, "no filter: by pkey_mprotect, where there is one");
	OK(pipe_after(65537) > 16 && pipe_after(65537) < 127, "no filter: a larger pipe");
	OK(act_inet() != EAFNOSUPPORT, "no filter: an internet socket");
	IS_INT(act_inotify(), EBADF, "no filter: inotify");
	tap_note("no filter: pages to be merged: %s", act_merge() == 0 ? "taken" : "this kernel has no KSM");
	IS_INT(act_personality(), 0, "no filter: another personality");
	(void)syscall(SYS_personality, 0);
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
	for (const char *const *name = profile("default")->allow; *name; name++)
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
	const struct sr_compiled_profile *p = profile("default"), *strict = profile("strict");
	enum sr_arch arch = syscalls_native_arch();

	if (!OK(p && strict && arch < SR_ARCH_MAX, "there is a filter for this machine"))
		return tap_done();
	for (int counted = 0; counted < 2; counted++)
		test_kernel("default", &p->filter[arch][counted], cases, SR_ELEMENTSOF(cases));
	test_kernel("strict", &strict->filter[arch][0], strict_cases, SR_ELEMENTSOF(strict_cases));
	test_unfiltered();
	note_load_time(&p->filter[arch][1]);
	note_build_time();
	return tap_done();
}
