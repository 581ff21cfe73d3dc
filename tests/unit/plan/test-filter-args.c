/* SPDX-License-Identifier: MIT */
/*
 * What the filters answer, said again without their rules: cases written by hand for default and strict, and the sockets
 * in plain words. test-filter-oracle.c compares with libseccomp, test-filter-kernel.c asks the running kernel.
 */
#include <errno.h>
#include <linux/audit.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "../../lib/bpf-sim.h"
#include "../tap.h"
#include "base/macros.h"
#include "plan/filter-build.h"

#define HIGH 0x100000000ULL

static const char *const arch_names[SR_ARCH_MAX] = { "x86_64", "aarch64" };
static const uint32_t audit_archs[SR_ARCH_MAX] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 };

struct args {
	uint64_t a[6];
};

static const char *answer(const struct sr_compiled_filter *f, enum sr_arch arch, int nr, const struct args *args)
{
	struct seccomp_data data = { .nr = nr, .arch = audit_archs[arch] };
	struct bpf_sim sim;

	if (args)
		memcpy(data.args, args->a, sizeof(data.args));
	return bpf_sim_run(f->insns, f->count, &data, &sim) ? bpf_sim_action_name(sim.action) : "no answer";
}

struct arg_case {
	const char *call;
	struct args args;
	const char *want;
};

static const struct arg_case arg_cases[] = {
	{ "clone", { { 0x01200011 } }, "allow" }, /* fork() of glibc */
	{ "clone", { { 0x003d0f00 } }, "allow" }, /* pthread_create() */
	{ "clone", { { 0x00004111 } }, "allow" }, /* vfork() */
	{ "clone", { { CLONE_NEWUSER | SIGCHLD } }, "EPERM" },
	{ "clone", { { CLONE_NEWNS | SIGCHLD } }, "EPERM" },
	{ "clone", { { CLONE_NEWPID } }, "EPERM" },
	{ "clone", { { CLONE_NEWNET } }, "EPERM" },
	{ "clone", { { CLONE_NEWIPC } }, "EPERM" },
	{ "clone", { { CLONE_NEWUTS } }, "EPERM" },
	{ "clone", { { 0x02000000 } }, "EPERM" },			   /* CLONE_NEWCGROUP */
	{ "clone", { { CLONE_NEWUSER | HIGH } }, "EPERM" },
	{ "clone", { { CLONE_NEWUSER | 0xffffffff00000000ULL } }, "EPERM" },
	{ "clone", { { ((uint64_t)CLONE_NEWUSER << 32) | SIGCHLD } }, "allow" }, /* the kernel drops the upper half */
	{ "clone", { { 0, CLONE_NEWUSER } }, "allow" },			   /* the stack, not the flags */
	{ "clone3", { { 0 } }, "ENOSYS" },
	{ "ioctl", { { 0, 0x5401 } }, "allow" }, /* TCGETS */
	{ "ioctl", { { 0, 0x5412 } }, "EPERM" }, /* TIOCSTI */
	{ "ioctl", { { 0, 0x5412 + HIGH } }, "EPERM" },
	{ "ioctl", { { 0, 0x5412 | 0xffffffff00000000ULL } }, "EPERM" },
	{ "ioctl", { { 0x5412, 0x5413 } }, "allow" }, /* TIOCGWINSZ on descriptor 0x5412 */
	{ "ioctl", { { 0, 0x541c } }, "EPERM" },	   /* TIOCLINUX */
	{ "ioctl", { { 0, 0x541c + HIGH } }, "EPERM" },
	{ "ioctl", { { 0, 0x5423 } }, "EPERM" }, /* TIOCSETD */
	{ "ioctl", { { 0, 0x5423 + HIGH } }, "EPERM" },
	{ "ioctl", { { 0, 0x541d } }, "EPERM" },      /* TIOCCONS */
	{ "ioctl", { { 0, 0x4b4e } }, "EPERM" },      /* KDSIGACCEPT */
	{ "ioctl", { { 0, 0x4b4e + HIGH } }, "EPERM" },
	{ "ioctl", { { 0, 0x5606 } }, "EPERM" },      /* VT_ACTIVATE */
	{ "ioctl", { { 0, 0x541b } }, "allow" },      /* FIONREAD */
	{ "ioctl", { { 0, 0x540e } }, "allow" },      /* TIOCSCTTY: pty.fork() */
	{ "ioctl", { { 0, 0x80045430 } }, "allow" },  /* TIOCGPTN */
	{ "ioctl", { { 0, 0x40049409 } }, "allow" },  /* FICLONE */
	{ "ioctl", { { 0, 0x40085600 } }, "allow" },  /* another driver's type 'V', with a size: no virtual terminal */
	{ "socket", { { 1, 1 } }, "allow" },
	{ "socket", { { 2, 1 } }, "allow" },
	{ "socket", { { 10, 2 } }, "allow" },
	{ "socket", { { 2 + HIGH, 1 } }, "allow" },
	{ "socket", { { 2, 1, 6 } }, "allow" },
	{ "socket", { { 2, 0x80801, 6 } }, "allow" }, /* SOCK_CLOEXEC, SOCK_NONBLOCK */
	{ "socket", { { 2, 0x80802, 17 } }, "allow" },
	{ "socket", { { 10, 0x80001, 0 } }, "allow" },
	{ "socket", { { 10 + HIGH, 1 + HIGH, 6 + HIGH } }, "allow" },
	{ "socket", { { 2, 2, 1 } }, "EPROTONOSUPPORT" },    /* ICMP by ping socket */
	{ "socket", { { 10, 2, 58 } }, "EPROTONOSUPPORT" },
	{ "socket", { { 2, 1, 132 } }, "EPROTONOSUPPORT" },  /* SCTP */
	{ "socket", { { 2, 5, 132 } }, "EPROTONOSUPPORT" },
	{ "socket", { { 2, 5, 0 } }, "EPROTONOSUPPORT" },    /* SOCK_SEQPACKET */
	{ "socket", { { 2, 1, 262 } }, "EPROTONOSUPPORT" },  /* MPTCP */
	{ "socket", { { 2, 1, 262 + HIGH } }, "EPROTONOSUPPORT" },
	{ "socket", { { 2, 1, 0x80000006 } }, "EPROTONOSUPPORT" },
	{ "socket", { { 2, 2, 136 } }, "EPROTONOSUPPORT" },  /* UDP-Lite */
	{ "socket", { { 2, 6, 33 } }, "EPROTONOSUPPORT" },   /* DCCP */
	{ "socket", { { 2, 3, 6 } }, "EPROTONOSUPPORT" },    /* SOCK_RAW */
	{ "socket", { { 10, 3, 0 } }, "EPROTONOSUPPORT" },
	{ "socket", { { 2, 0x80003, 17 } }, "EPROTONOSUPPORT" },
	{ "socket", { { 2, 10, 0 } }, "EPROTONOSUPPORT" },   /* SOCK_PACKET: AF_PACKET by another name */
	{ "socket", { { 2, 1, 17 } }, "EPROTONOSUPPORT" },   /* a type that does not fit: the kernel would look for a module */
	{ "socket", { { 2, 2, 6 } }, "EPROTONOSUPPORT" },
	{ "socket", { { 2 } }, "EPROTONOSUPPORT" },          /* no type */
	{ "socket", { { 1, 5 } }, "allow" },
	{ "socket", { { 1, 1, 1 } }, "allow" },              /* PF_UNIX; what else there is, the kernel refuses */
	{ "socketpair", { { 2, 1, 0 } }, "allow" },          /* EOPNOTSUPP of the kernel */
	{ "socketpair", { { 2, 1, 132 } }, "EPROTONOSUPPORT" },
	{ "socketpair", { { 10, 3, 6 } }, "EPROTONOSUPPORT" },
	{ "socket", { { 0 } }, "EAFNOSUPPORT" },
	{ "socket", { { 16, 3 } }, "EAFNOSUPPORT" }, /* AF_NETLINK */
	{ "socket", { { 16 + HIGH, 3 } }, "EAFNOSUPPORT" },
	{ "socket", { { 17, 3 } }, "EAFNOSUPPORT" }, /* AF_PACKET */
	{ "socket", { { 38, 5 } }, "EAFNOSUPPORT" }, /* AF_ALG */
	{ "socket", { { 40, 1 } }, "EAFNOSUPPORT" }, /* AF_VSOCK */
	{ "socket", { { 0xffffffff } }, "EAFNOSUPPORT" },
	{ "socket", { { 16 + (1ULL << 32), 1 } }, "EAFNOSUPPORT" },
	{ "socketpair", { { 1, 1 } }, "allow" },
	{ "socketpair", { { 16, 3 } }, "EAFNOSUPPORT" },
	{ "setrlimit", { { 4 } }, "EPERM" }, /* RLIMIT_CORE */
	{ "setrlimit", { { 4 + HIGH } }, "EPERM" },
	{ "setrlimit", { { 7 } }, "allow" },
	{ "prlimit64", { { 0, 4, 0, 0x1000 } }, "allow" }, /* reads it */
	{ "prlimit64", { { 0, 4, 0x1000, 0 } }, "EPERM" },
	{ "prlimit64", { { 0, 4, HIGH, 0 } }, "EPERM" }, /* a pointer whose low half is zero */
	{ "prlimit64", { { 0, 4 + HIGH, 0x1000, 0 } }, "EPERM" },
	{ "prlimit64", { { 0, 4 + HIGH, HIGH << 3, 0 } }, "EPERM" },
	{ "prlimit64", { { 0, 7, 0x1000, 0 } }, "allow" },
	{ "prlimit64", { { 77, 7, 0x1000, 0 } }, "allow" },
	{ "prlimit64", { { 1, 0, 0x1000, 0 } }, "EPERM" }, /* PID 1's */
	{ "prlimit64", { { 1 + HIGH, 0, HIGH, 0 } }, "EPERM" },
	{ "prlimit64", { { 1, 0, 0, 0x1000 } }, "allow" },
	{ "setpriority", { { 0, 1, 19 } }, "EPERM" }, /* PRIO_PROCESS of PID 1 */
	{ "setpriority", { { HIGH, 1 + HIGH, 19 } }, "EPERM" },
	{ "setpriority", { { 0, 0, 19 } }, "allow" },
	{ "setpriority", { { 0, 2, 19 } }, "allow" },
	{ "setpriority", { { 0, 0x10001, 19 } }, "allow" },
	{ "setpriority", { { 1, 1, 19 } }, "EPERM" }, /* PRIO_PGRP of PID 1 */
	{ "setpriority", { { 1, 0, 19 } }, "allow" },
	{ "setpriority", { { 1, 7, 19 } }, "allow" },
	{ "setpriority", { { 2, 0, 19 } }, "EPERM" }, /* PRIO_USER: PID 1's too */
	{ "setpriority", { { 2 + HIGH, 1000, 19 } }, "EPERM" },
	{ "setpriority", { { 3, 1, 19 } }, "allow" }, /* EINVAL of the kernel */
	{ "ioprio_set", { { 1, 1, 0x6000 } }, "EPERM" },
	{ "ioprio_set", { { 1 + HIGH, 1 + HIGH, 0x6000 } }, "EPERM" },
	{ "ioprio_set", { { 1, 0, 0x6000 } }, "allow" },
	{ "ioprio_set", { { 1, 9, 0x6000 } }, "allow" },
	{ "ioprio_set", { { 0, 1, 0x6000 } }, "allow" }, /* EINVAL of the kernel */
	{ "ioprio_set", { { 2, 1, 0x6000 } }, "EPERM" },
	{ "ioprio_set", { { 2, 0, 0x6000 } }, "allow" },
	{ "ioprio_set", { { 3, 1000, 0x6000 } }, "EPERM" },
	{ "sched_setscheduler", { { 1, 3 } }, "EPERM" },
	{ "sched_setscheduler", { { 1 + HIGH, 3 } }, "EPERM" },
	{ "sched_setscheduler", { { 0, 1 } }, "allow" },
	{ "sched_setscheduler", { { 11, 3 } }, "allow" },
	{ "sched_setparam", { { 1 } }, "EPERM" },
	{ "sched_setparam", { { 1 + HIGH } }, "EPERM" },
	{ "sched_setparam", { { 0, 1 } }, "allow" },
	{ "sched_setattr", { { 1 } }, "EPERM" },
	{ "sched_setattr", { { 1 | 0xffffffff00000000ULL } }, "EPERM" },
	{ "sched_setattr", { { 0, 1 } }, "allow" },
	{ "sched_setaffinity", { { 1, 8 } }, "EPERM" },
	{ "sched_setaffinity", { { 1 + HIGH, 8 } }, "EPERM" },
	{ "sched_setaffinity", { { 0, 1 } }, "allow" },
	{ "sched_setaffinity", { { HIGH, 1 } }, "allow" },
	{ "sched_getaffinity", { { 1, 8 } }, "allow" },
	{ "getpriority", { { 0, 1 } }, "allow" },
	{ "pipe2", { { 0x1000, 0 } }, "allow" },
	{ "pipe2", { { 0x80, 0x80800 } }, "allow" },  /* O_CLOEXEC, O_NONBLOCK; the address is not looked at */
	{ "pipe2", { { 0x1000, 0x14000 } }, "allow" }, /* O_DIRECT: 0x4000 here, 0x10000 on aarch64 */
	{ "pipe2", { { 0x1000, 0x80 } }, "ENOPKG" },  /* O_NOTIFICATION_PIPE */
	{ "pipe2", { { 0x1000, 0x80080 } }, "ENOPKG" },
	{ "pipe2", { { 0x1000, 0x80 + HIGH } }, "ENOPKG" },
	{ "pipe2", { { 0x1000, 0x80ULL << 32 } }, "allow" },
	{ "vmsplice", { { 1, 0x1000, 1 } }, "ENOSYS" },
	{ "inotify_init1", { { 0 } }, "allow" },
	{ "fcntl", { { 3, 1031, 1 << 20 } }, "EPERM" }, /* F_SETPIPE_SZ */
	{ "fcntl", { { 3, 1031 + HIGH, 1 << 20 } }, "EPERM" },
	{ "fcntl", { { 3, 1031, 0x10001 } }, "EPERM" },
	{ "fcntl", { { 3, 1031, 0x80000000 } }, "EPERM" },
	{ "fcntl", { { 3, 1031, 0xffffffffffffffffULL } }, "EPERM" },
	{ "fcntl", { { 3, 1031, (1 << 20) + HIGH } }, "EPERM" },
	{ "fcntl", { { 3, 1031, 0x10000 } }, "allow" }, /* as pipe(2) makes it */
	{ "fcntl", { { 3, 1031, 4096 } }, "allow" },
	{ "fcntl", { { 3, 1031, 0 } }, "allow" },
	{ "fcntl", { { 3, 1031 + HIGH, 4096 } }, "allow" },
	{ "fcntl", { { 3, 1031, 4096 + HIGH } }, "allow" }, /* 4096 to the kernel since Linux 6.4, EINVAL before */
	{ "fcntl", { { 3, 2, 1 << 20 } }, "allow" },
	{ "fcntl", { { 3, 1032 } }, "allow" },
	{ "fcntl", { { 1031, 1 } }, "allow" },
	{ "mknodat", { { 0, 0, 0020644 } }, "EPERM" },
	{ "mknodat", { { 0, 0, 0060644 } }, "EPERM" },
	{ "mknodat", { { 0, 0, 0020644 + HIGH } }, "EPERM" },
	{ "mknodat", { { 0, 0, 0010644 } }, "allow" },
	{ "mknodat", { { 0, 0, 0140644 } }, "allow" },
	{ "mknodat", { { 0, 0, 0100644 } }, "allow" },
	{ "mknod", { { 0, 0020644 } }, "EPERM" },
	{ "mknod", { { 0, 0060644 } }, "EPERM" },
	{ "mknod", { { 0, 0010644 } }, "allow" },
	{ "personality", { { 0 } }, "allow" },
	{ "personality", { { HIGH } }, "allow" },
	{ "personality", { { 0xffffffff } }, "allow" },
	{ "personality", { { 8 } }, "EPERM" },	       /* PER_LINUX32 */
	{ "personality", { { 0x0040000 } }, "EPERM" }, /* ADDR_NO_RANDOMIZE */
	{ "personality", { { 0x0400000 } }, "EPERM" }, /* READ_IMPLIES_EXEC */
	{ "prctl", { { PR_SET_NAME } }, "allow" },
	{ "prctl", { { PR_SET_SECCOMP } }, "allow" },
	{ "prctl", { { PR_SET_DUMPABLE } }, "allow" },
	{ "prctl", { { 35 } }, "EPERM" }, /* PR_SET_MM */
	{ "prctl", { { 35 + HIGH } }, "EPERM" },
	{ "prctl", { { 67, 1 } }, "EINVAL" }, /* PR_SET_MEMORY_MERGE */
	{ "prctl", { { 67 + HIGH, 1 } }, "EINVAL" },
	{ "prctl", { { 68 } }, "allow" },
	{ "madvise", { { 0x1000, 4096, 12 } }, "EINVAL" }, /* MADV_MERGEABLE */
	{ "madvise", { { 0x1000, 4096, 12 + HIGH } }, "EINVAL" },
	{ "madvise", { { 0x1000, 4096, 4 } }, "allow" }, /* MADV_DONTNEED */
	{ "madvise", { { 12, 12, 13 } }, "allow" },      /* MADV_UNMERGEABLE */
	{ "arch_prctl", { { 0x1002 } }, "allow" },
	{ "arch_prctl", { { 0x1023 } }, "allow" },
	{ "arch_prctl", { { 0x3001 } }, "allow" },
	{ "arch_prctl", { { 0x5001 } }, "allow" },
	{ "arch_prctl", { { 0x1012 } }, "EINVAL" }, /* ARCH_SET_CPUID */
	{ "arch_prctl", { { 0x2001 } }, "EINVAL" }, /* ARCH_MAP_VDSO_X32 */
	{ "mmap", { { 0, 4096, 7, 0x22 } }, "allow" }, /* @write-exec */
	{ "mprotect", { { 0x1000, 4096, 6 } }, "allow" },
	{ "pkey_mprotect", { { 0x1000, 4096, 7, 1 } }, "allow" },
	{ "shmat", { { 0, 0, 0100000 } }, "allow" },
	{ "sync", { { 0 } }, "success" },
	{ "syncfs", { { 3 } }, "success" },
};

/* Without @write-exec. */
static const struct arg_case strict_cases[] = {
	{ "mmap", { { 0, 4096, 3, 0x22 } }, "allow" }, /* PROT_READ and PROT_WRITE */
	{ "mmap", { { 0, 4096, 5, 0x22 } }, "allow" }, /* PROT_READ and PROT_EXEC */
	{ "mmap", { { 0, 4096, 0, 0x22 } }, "allow" },
	{ "mmap", { { 0, 4096, 7, 0x22 } }, "EPERM" },
	{ "mmap", { { 0, 4096, 6, 0x22 } }, "EPERM" },
	{ "mmap", { { 0, 4096, 7 + HIGH, 0x22 } }, "EPERM" }, /* the kernel looks at the lowest bits alone */
	{ "mmap", { { 0, 4096, 6 | 0xffffffff00000000ULL, 0x22 } }, "EPERM" },
	{ "mmap", { { 0, 4096, 0xffffffffffffffffULL, 0x22 } }, "EPERM" },
	{ "mmap", { { 0, 4096, 0x80000007, 0x22 } }, "EPERM" },
	{ "mmap", { { 0, 4096, (7ULL << 32) | 3, 0x22 } }, "allow" },
	{ "mmap", { { 7, 7, 1, 7, 7, 7 } }, "allow" }, /* other arguments */
	{ "mprotect", { { 0x1000, 4096, 1 } }, "allow" },
	{ "mprotect", { { 0x1000, 4096, 3 } }, "allow" },
	{ "mprotect", { { 0x1000, 4096, 5 } }, "allow" }, /* writable before: allowed */
	{ "mprotect", { { 0x1000, 4096, 6 } }, "EPERM" },
	{ "mprotect", { { 0x1000, 4096, 7 } }, "EPERM" },
	{ "mprotect", { { 0x1000, 4096, 7 + HIGH } }, "EPERM" },
	{ "mprotect", { { 0x1000, 4096, 0x01000007 } }, "EPERM" }, /* PROT_GROWSDOWN */
	{ "mprotect", { { 6 + HIGH, 7, 5 } }, "allow" },
	{ "pkey_mprotect", { { 0x1000, 4096, 3, 1 } }, "allow" },
	{ "pkey_mprotect", { { 0x1000, 4096, 7, 1 } }, "EPERM" },
	{ "pkey_mprotect", { { 0x1000, 4096, 6 + HIGH, 1 } }, "EPERM" },
	{ "pkey_mprotect", { { 0x1000, 4096, 5, 7 } }, "allow" },
	{ "shmat", { { 0, 0, 0100000 } }, "ENOSYS" }, /* strict has no System V memory at all */
	{ "personality", { { 0x0400000 } }, "EPERM" }, /* READ_IMPLIES_EXEC */
	{ "clone", { { CLONE_NEWUSER | SIGCHLD } }, "EPERM" },
	{ "socket", { { 2, 1 } }, "EAFNOSUPPORT" },
	{ "fcntl", { { 3, 1031, 1 << 20 } }, "EPERM" },
};

static void test_args(const struct sr_compiled_profile *p, const struct arg_case *cases, size_t count, enum sr_arch arch)
{
	char name[128];

	for (size_t i = 0; i < count; i++) {
		const struct arg_case *c = &cases[i];
		int id = syscalls_find(c->call);
		int nr = id < 0 ? -1 : sr_syscall_numbers.number[arch][id];

		if (id >= 0 && nr < 0)
			continue; /* a call of the other architecture */
		(void)snprintf(name, sizeof(name), "%s, %s: %s(%#llx, %#llx, %#llx) is %s", p->name, arch_names[arch], c->call,
			       (unsigned long long)c->args.a[0], (unsigned long long)c->args.a[1],
			       (unsigned long long)c->args.a[2], c->want);
		IS_STR(answer(&p->filter[arch][1], arch, nr, &c->args), c->want, name);
	}
}

/* What socket and socketpair may make, in other words than the rules. */
static const char *socket_answer(bool inet, uint64_t family, uint64_t type, uint64_t protocol)
{
	uint32_t f = (uint32_t)family, p = (uint32_t)protocol;

	if (f == 1)
		return "allow";
	if (!inet || (f != 2 && f != 10))
		return "EAFNOSUPPORT";
	if ((type & 15) == 1 && (p == 0 || p == 6))
		return "allow";
	if ((type & 15) == 2 && (p == 0 || p == 17))
		return "allow";
	return "EPROTONOSUPPORT";
}

static bool sockets_are(const struct sr_compiled_filter *f, enum sr_arch arch, int nr, bool inet, const struct args *a)
{
	const char *got = answer(f, arch, nr, a);
	const char *want = socket_answer(inet, a->a[0], a->a[1], a->a[2]);

	if (strcmp(got, want) == 0)
		return true;
	tap_note("(%#llx, %#llx, %#llx): got %s, expected %s", (unsigned long long)a->a[0], (unsigned long long)a->a[1],
		 (unsigned long long)a->a[2], got, want);
	return false;
}

/* Families 0 to 45, every type, protocols 0 to 300 and each with one bit more, with and without something in the upper halves. */
static bool all_sockets(const struct sr_compiled_filter *f, enum sr_arch arch, int nr, bool inet)
{
	static const uint64_t flags[] = { 0, 0x80800, 0x7ffffff0, HIGH | 0x80000 };
	bool good = true;

	for (uint64_t family = 0; good && family <= 45; family++) {
		for (uint64_t type = 0; good && type < 16; type++) {
			for (uint64_t p = 0; good && p <= 300; p++) {
				struct args plain = { { family, type | flags[(p + type) % 4], p } };
				struct args odd = { { family | (p << 40), type | flags[p % 4], p | (1ULL << ((p + family + type) % 64)) } };

				good = sockets_are(f, arch, nr, inet, &plain) && sockets_are(f, arch, nr, inet, &odd);
			}
		}
	}
	return good;
}

static void test_sockets(const struct sr_compiled_profile *p, bool inet)
{
	static const int calls[] = { SR_SYSCALL_socket, SR_SYSCALL_socketpair };
	char name[128];

	for (int i = 0; i < 2 * SR_ARCH_MAX; i++) {
		enum sr_arch a = (enum sr_arch)(i / 2);
		int nr = sr_syscall_numbers.number[a][calls[i % 2]];

		(void)snprintf(name, sizeof(name), "%s, %s: %s makes UNIX sockets%s, nothing else", p->name, arch_names[a],
			       sr_syscalls[calls[i % 2]].name, inet ? ", TCP and UDP" : "");
		OK(all_sockets(&p->filter[a][1], a, nr, inet), name);
	}
}

static void test_strict(const struct sr_compiled_profile *p)
{
	static const char *const calls[] = { "inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch",
					     "fanotify_init" };
	char name[96];

	for (size_t i = 0; i < SR_ELEMENTSOF(calls) * SR_ARCH_MAX; i++) {
		enum sr_arch a = (enum sr_arch)(i % SR_ARCH_MAX);
		const char *call = calls[i / SR_ARCH_MAX];
		int nr = sr_syscall_numbers.number[a][syscalls_find(call)];

		if (nr < 0)
			continue;
		(void)snprintf(name, sizeof(name), "strict, %s: no %s", arch_names[a], call);
		IS_STR(answer(&p->filter[a][1], a, nr, NULL),
		       strcmp(call, "fanotify_init") == 0 ? "EPERM" : "ENOSYS", name);
	}
}

/* strict and System V memory, by a profile of one's own: the rule that strict itself cannot show. */
static void test_own_shmat(void)
{
	static const struct {
		uint64_t flags;
		const char *want;
	} cases[] = { { 0, "allow" },		    { 0010000, "allow" },	{ 0110000, "allow" }, /* SHM_EXEC and SHM_RDONLY */
		      { 0100000, "EPERM" },	    { 0100000 + HIGH, "EPERM" }, { 0100000ULL << 32, "allow" },
		      { 0110000 + HIGH, "allow" } };
	struct sr_seccomp_policy s = { .shipped = false };
	struct sr_verdicts v;

	(void)strv_add(&s.allow, "@base");
	(void)strv_add(&s.allow, "@ipc-sysv");
	for (int a = 0; a < SR_ARCH_MAX; a++) {
		struct sock_filter *insns = NULL;
		unsigned short count = 0;
		bool good = filter_resolve(&s, true, &v, NULL) == 0 &&
			    filter_compile(&v, &sr_syscall_numbers, (enum sr_arch)a, &insns, &count) == 0;
		struct sr_compiled_filter f = { insns, count };

		for (size_t i = 0; good && i < SR_ELEMENTSOF(cases); i++) {
			struct args args = { { 0, 0100000, cases[i].flags } };

			IS_STR(answer(&f, (enum sr_arch)a, sr_syscall_numbers.number[a][SR_SYSCALL_shmat], &args), cases[i].want,
			       "shmat without @write-exec");
		}
		OK(good, "shmat without @write-exec is compiled");
		free(insns);
	}
	strv_done(&s.allow);
}

static const struct sr_compiled_profile *profile(const char *name)
{
	for (size_t i = 0; i < sr_compiled_profile_count; i++) {
		if (strcmp(sr_compiled_profiles[i].name, name) == 0)
			return &sr_compiled_profiles[i];
	}
	return NULL;
}

int main(void)
{
	const struct sr_compiled_profile *p = profile("default"), *strict = profile("strict");

	if (!OK(p && strict, "the shipped profiles"))
		return tap_done();
	for (int a = 0; a < SR_ARCH_MAX; a++) {
		test_args(p, arg_cases, SR_ELEMENTSOF(arg_cases), (enum sr_arch)a);
		test_args(strict, strict_cases, SR_ELEMENTSOF(strict_cases), (enum sr_arch)a);
	}
	test_own_shmat();
	test_sockets(p, true);
	test_sockets(strict, false);
	test_strict(strict);
	return tap_done();
}
