/* SPDX-License-Identifier: MIT */
#include "plan/filter-rules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define ALLOW SECCOMP_RET_ALLOW
#define ERRNO(e) (SECCOMP_RET_ERRNO | (e))
#define SUCCESS ERRNO(0) /* answered 0, not made */

/* Kernel numbers that libc headers of some age, or of musl, lack. */
#define KERNEL_CLONE_NEWCGROUP 0x02000000U
#define KERNEL_F_SETPIPE_SZ 1031U
#define KERNEL_MADV_MERGEABLE 12U
#define KERNEL_PR_SET_MEMORY_MERGE 67U
#define PIPE_BYTES 65536U /* of a pipe as pipe(2) makes it where pages have 4096 bytes; the least anywhere */
#define KERNEL_O_NOTIFICATION_PIPE 0x80U /* O_EXCL, the same on both architectures */
#define KERNEL_SOCK_TYPE_MASK 0xfU
#define KERNEL_IOPRIO_WHO_PROCESS 1U
#define KERNEL_IOPRIO_WHO_PGRP 2U
#define KERNEL_IOPRIO_WHO_USER 3U
#define KERNEL_TIOCSTI 0x5412U
#define KERNEL_TIOCLINUX 0x541CU
#define KERNEL_TIOCCONS 0x541DU
#define KERNEL_TIOCSETD 0x5423U
#define IOCTL_TYPE_KD 0x4B00U /* linux/kd.h: keyboard and console of the machine, KDSIGACCEPT among them */
#define IOCTL_TYPE_VT 0x5600U /* linux/vt.h: virtual terminals */

/* CLONE_NEWTIME (0x80) lies in the signal's bits: clone(2) cannot be given it, only clone3. */
#define NEW_NAMESPACES                                                                                       \
	((uint32_t)CLONE_NEWNS | KERNEL_CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
	 CLONE_NEWNET)

#define EQUAL(n, v) { .arg = (n), .kind = SR_COND_LOW_EQUAL, .value = (v) }
#define ANY(n, v) { .arg = (n), .kind = SR_COND_LOW_ANY, .value = (v) }
#define ABOVE(n, v) { .arg = (n), .kind = SR_COND_LOW_ABOVE, .value = (v) }
#define MASKED(n, m, v) { .arg = (n), .kind = SR_COND_LOW_MASKED, .mask = (m), .value = (v) }
#define NONZERO(n) { .arg = (n), .kind = SR_COND_NONZERO }
#define IF(cond, what) { .conds = { cond }, .cond_count = 1, .action = (what) }
#define IF_BOTH(a, b, what) { .conds = { a, b }, .cond_count = 2, .action = (what) }
#define IF_INET(cond, what) { .conds = { cond }, .cond_count = 1, .when = SR_RULE_WITH_INET, .action = (what) }
#define IF_NO_WRITE_EXEC(cond, what) \
	{ .conds = { cond }, .cond_count = 1, .when = SR_RULE_WITHOUT_WRITE_EXEC, .action = (what) }

static const struct sr_arg_rule clone_rules[] = {
	IF(ANY(0, NEW_NAMESPACES), ERRNO(EPERM)),
};

static const struct sr_arg_rule ioctl_rules[] = {
	IF(EQUAL(1, KERNEL_TIOCSTI), ERRNO(EPERM)),
	IF(EQUAL(1, KERNEL_TIOCLINUX), ERRNO(EPERM)),
	IF(EQUAL(1, KERNEL_TIOCCONS), ERRNO(EPERM)),
	IF(EQUAL(1, KERNEL_TIOCSETD), ERRNO(EPERM)),
	IF(MASKED(1, 0xffffff00U, IOCTL_TYPE_KD), ERRNO(EPERM)),
	IF(MASKED(1, 0xffffff00U, IOCTL_TYPE_VT), ERRNO(EPERM)),
};

/*
 * TCP and UDP. For any other protocol, and for a type that does not fit the protocol, the kernel would first ask the host to
 * load a module (inet_create). AF_UNIX never does.
 */
#define INET_PAIR(family, type, protocol)                                                                              \
	{ .conds = { EQUAL(0, family), MASKED(1, KERNEL_SOCK_TYPE_MASK, type), EQUAL(2, protocol) }, .cond_count = 3, \
	  .when = SR_RULE_WITH_INET, .action = ALLOW }
#define INET_PAIRS(family)                                                                 \
	INET_PAIR(family, SOCK_STREAM, 0), INET_PAIR(family, SOCK_STREAM, IPPROTO_TCP),    \
		INET_PAIR(family, SOCK_DGRAM, 0), INET_PAIR(family, SOCK_DGRAM, IPPROTO_UDP), \
		IF_INET(EQUAL(0, family), ERRNO(EPROTONOSUPPORT))

static const struct sr_arg_rule socket_rules[] = {
	IF(EQUAL(0, AF_UNIX), ALLOW),
	INET_PAIRS(AF_INET),
	INET_PAIRS(AF_INET6),
};

static const struct sr_arg_rule setrlimit_rules[] = {
	IF(EQUAL(0, RLIMIT_CORE), ERRNO(EPERM)),
};

/* Finding 3; and PID 1's limits are not the payload's to lower: RLIMIT_CPU would end the run as if by sandrun. */
static const struct sr_arg_rule prlimit_rules[] = {
	IF_BOTH(EQUAL(1, RLIMIT_CORE), NONZERO(2), ERRNO(EPERM)),
	IF_BOTH(EQUAL(0, 1), NONZERO(2), ERRNO(EPERM)),
};

/*
 * PID 1 is sandrun's own: slowed down or tied to a busy processor, it would end the run late. The kernel asks for the same user
 * only. By user is refused whole, for that is PID 1's user too; its process group and session have the number 1.
 */
static const struct sr_arg_rule pid_one_rules[] = {
	IF(EQUAL(0, 1), ERRNO(EPERM)),
};
static const struct sr_arg_rule setpriority_rules[] = {
	IF_BOTH(EQUAL(0, PRIO_PROCESS), EQUAL(1, 1), ERRNO(EPERM)),
	IF_BOTH(EQUAL(0, PRIO_PGRP), EQUAL(1, 1), ERRNO(EPERM)),
	IF(EQUAL(0, PRIO_USER), ERRNO(EPERM)),
};
static const struct sr_arg_rule ioprio_rules[] = {
	IF_BOTH(EQUAL(0, KERNEL_IOPRIO_WHO_PROCESS), EQUAL(1, 1), ERRNO(EPERM)),
	IF_BOTH(EQUAL(0, KERNEL_IOPRIO_WHO_PGRP), EQUAL(1, 1), ERRNO(EPERM)),
	IF(EQUAL(0, KERNEL_IOPRIO_WHO_USER), ERRNO(EPERM)),
};

/* Such a pipe takes the notices of the kernel's watch queues. ENOPKG is the answer of a kernel built without them. */
static const struct sr_arg_rule pipe2_rules[] = {
	IF(ANY(1, KERNEL_O_NOTIFICATION_PIPE), ERRNO(ENOPKG)),
};

/*
 * Pages of pipes count per user of the host, who has 64 MB of them before all his further pipes are small (pipe(7),
 * finding 16): a pipe must not hold more than pipe(2) gave it. Making it smaller, or as large again, takes from nobody.
 * The kernel reads the size as unsigned int, or before Linux 6.4 as unsigned long, of which what is above 2 GiB is EINVAL.
 */
static const struct sr_arg_rule fcntl_rules[] = {
	IF_BOTH(EQUAL(1, KERNEL_F_SETPIPE_SZ), ABOVE(2, PIPE_BYTES), ERRNO(EPERM)),
};

/*
 * Memory that is writable and executable at once, where the profile has no @write-exec: for profiles whose programs do not
 * translate at run time. It is about the calls that ask for such memory, no more: first writable, then executable is allowed
 * (and how it is done well), so are two mappings of one file, and an ELF file may ask execve for such a segment or stack.
 * Who may bring native code of his own needs none of it; it is for the exploit that must make some in a program that is not
 * his. READ_IMPLIES_EXEC, which would make PROT_EXEC of PROT_READ, is refused by the rule of personality.
 */
#define WRITE_EXEC ((uint32_t)PROT_WRITE | PROT_EXEC)
static const struct sr_arg_rule protection_rules[] = {
	IF_NO_WRITE_EXEC(MASKED(2, WRITE_EXEC, WRITE_EXEC), ERRNO(EPERM)),
};
static const struct sr_arg_rule shmat_rules[] = {
	IF_NO_WRITE_EXEC(MASKED(2, SHM_EXEC | SHM_RDONLY, SHM_EXEC), ERRNO(EPERM)),
};

/* The bit of S_IFCHR is set in S_IFBLK too, and in neither S_IFREG, S_IFIFO nor S_IFSOCK. */
static const struct sr_arg_rule mknod_rules[] = {
	IF(ANY(1, S_IFCHR), ERRNO(EPERM)),
};
static const struct sr_arg_rule mknodat_rules[] = {
	IF(ANY(2, S_IFCHR), ERRNO(EPERM)),
};

static const struct sr_arg_rule personality_rules[] = {
	IF(EQUAL(0, 0), ALLOW),
	IF(EQUAL(0, 0xffffffffU), ALLOW),
};

/* Without capabilities PR_SET_MM still rewrites the command line that ps shows. PR_SET_PTRACER opens nothing: ptrace is refused. */
static const struct sr_arg_rule prctl_rules[] = {
	IF(EQUAL(0, PR_SET_MM), ERRNO(EPERM)),
	IF(EQUAL(0, KERNEL_PR_SET_MEMORY_MERGE), ERRNO(EINVAL)),
};

/*
 * Pages that the kernel may merge with equal ones of the whole machine (KSM): how long a write takes then tells what others
 * hold, a virtual machine's memory among it. EINVAL is the answer of a kernel built without it.
 */
static const struct sr_arg_rule madvise_rules[] = {
	IF(EQUAL(2, KERNEL_MADV_MERGEABLE), ERRNO(EINVAL)),
};

/* asm/prctl.h: thread-local storage, XSAVE features (AMX), shadow stacks. glibc probes CET with the old 0x3001. */
static const struct sr_arg_rule arch_prctl_rules[] = {
	IF(MASKED(0, 0xfffffffcU, 0x1000), ALLOW), /* ARCH_SET_GS 1001, SET_FS 1002, GET_FS 1003 */
	IF(EQUAL(0, 0x1004), ALLOW),               /* ARCH_GET_GS */
	IF(EQUAL(0, 0x1011), ALLOW),               /* ARCH_GET_CPUID */
	IF(MASKED(0, 0xfffffff8U, 0x1020), ALLOW), /* ARCH_{GET_XCOMP_SUPP,GET_XCOMP_PERM,REQ_XCOMP_PERM} 1021-1025 */
	IF(EQUAL(0, 0x3001), ALLOW),               /* ARCH_CET_STATUS */
	IF(MASKED(0, 0xfffffff8U, 0x5000), ALLOW), /* ARCH_SHSTK_* 5001-5005 */
};

#define RULES(name, list, rest) { SR_SYSCALL_##name, list, SR_ELEMENTSOF(list), rest }
static const struct sr_arg_rules all_rules[] = {
	RULES(clone, clone_rules, ALLOW),
	RULES(ioctl, ioctl_rules, ALLOW),
	RULES(socket, socket_rules, ERRNO(EAFNOSUPPORT)),
	RULES(socketpair, socket_rules, ERRNO(EAFNOSUPPORT)),
	RULES(setrlimit, setrlimit_rules, ALLOW),
	RULES(prlimit64, prlimit_rules, ALLOW),
	RULES(setpriority, setpriority_rules, ALLOW),
	RULES(ioprio_set, ioprio_rules, ALLOW),
	RULES(sched_setscheduler, pid_one_rules, ALLOW),
	RULES(sched_setparam, pid_one_rules, ALLOW),
	RULES(sched_setattr, pid_one_rules, ALLOW),
	RULES(sched_setaffinity, pid_one_rules, ALLOW),
	RULES(pipe2, pipe2_rules, ALLOW),
	RULES(fcntl, fcntl_rules, ALLOW),
	RULES(mmap, protection_rules, ALLOW),
	RULES(mprotect, protection_rules, ALLOW),
	RULES(pkey_mprotect, protection_rules, ALLOW),
	RULES(shmat, shmat_rules, ALLOW),
	RULES(madvise, madvise_rules, ALLOW),
	RULES(mknod, mknod_rules, ALLOW),
	RULES(mknodat, mknodat_rules, ALLOW),
	RULES(personality, personality_rules, ERRNO(EPERM)),
	RULES(prctl, prctl_rules, ALLOW),
	RULES(arch_prctl, arch_prctl_rules, ERRNO(EINVAL)),
	{ SR_SYSCALL_sync, NULL, 0, SUCCESS },
	{ SR_SYSCALL_syncfs, NULL, 0, SUCCESS },
};

const struct sr_arg_rules *filter_rules_of(int call)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(all_rules); i++) {
		if (all_rules[i].call == call)
			return &all_rules[i];
	}
	return NULL;
}

bool filter_rule_counts(const struct sr_verdicts *v, const struct sr_arg_rule *rule)
{
	switch (rule->when) {
	case SR_RULE_WITH_INET:
		return v->inet;
	case SR_RULE_WITHOUT_WRITE_EXEC:
		return !v->write_exec;
	default:
		return true;
	}
}

static const struct sr_syscall_group *group_of(int call)
{
	return &sr_syscall_groups[sr_syscalls[call].group];
}

/* Marks what one name of a list means. */
static int mark(const char *name, bool *calls, bool *groups, struct sr_error *err)
{
	int id = *name == '@' ? syscalls_find_group(name) : syscalls_find(name);
	char shown[64];

	if (id < 0)
		return sr_error_set(err, SR_E_PROFILE, EINVAL, "profile", "cannot compile the filter: unknown name %s",
				    str_escape(name, shown, sizeof(shown)));
	if (*name == '@')
		groups[id] = true;
	else
		calls[id] = true;
	return 0;
}

static int mark_all(const struct sr_strv *names, bool *calls, bool *groups, struct sr_error *err)
{
	for (size_t i = 0; i < names->count; i++) {
		int r = mark(names->items[i], calls, groups, err);

		if (r < 0)
			return r;
	}
	for (int i = 0; i < SR_SYSCALL_MAX; i++)
		calls[i] = calls[i] || groups[sr_syscalls[i].group];
	return 0;
}

static uint32_t refusal(int call)
{
	switch (group_of(call)->kind) {
	case SR_GROUP_GUARDED:
	case SR_GROUP_REFUSED:
		return ERRNO(EPERM);
	case SR_GROUP_OPEN:
	case SR_GROUP_ABSENT:
	default:
		return ERRNO(ENOSYS);
	}
}

/* Denied calls that are absent stay absent: EPERM would keep libc from falling back. */
static struct sr_verdict judge(int call, bool allowed, bool denied, bool memory_accounted)
{
	const struct sr_syscall_group *group = group_of(call);

	if (denied)
		return (struct sr_verdict){ .action = group->kind == SR_GROUP_ABSENT ? ERRNO(ENOSYS) : ERRNO(EPERM) };
	if (!allowed)
		return (struct sr_verdict){ .action = refusal(call) };
	if (group->uncounted && !memory_accounted)
		return (struct sr_verdict){ .action = ERRNO(ENOSYS) };
	return (struct sr_verdict){ .action = ALLOW, .rules = filter_rules_of(call) };
}

/* True where `allowed` may be: an OPEN group, or a GUARDED one named as a group. */
static bool may_allow(int call, const bool *groups)
{
	enum sr_syscall_group_kind kind = group_of(call)->kind;

	return kind == SR_GROUP_OPEN || (kind == SR_GROUP_GUARDED && groups[sr_syscalls[call].group]);
}

int filter_resolve(const struct sr_seccomp_policy *s, bool memory_accounted, struct sr_verdicts *ret,
		   struct sr_error *err)
{
	bool allow[SR_SYSCALL_MAX] = { false }, allow_groups[SR_GROUP_ID_MAX] = { false };
	bool deny[SR_SYSCALL_MAX] = { false }, deny_groups[SR_GROUP_ID_MAX] = { false };
	struct sr_verdicts v = { .unknown = ERRNO(ENOSYS) };
	int r = mark_all(&s->allow, allow, allow_groups, err);

	if (r == 0)
		r = mark_all(&s->deny, deny, deny_groups, err);
	if (r < 0)
		return r;
	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		if (allow[i] && !may_allow(i, allow_groups))
			return sr_error_set(err, SR_E_PROFILE, EPERM, "profile",
					    "cannot compile the filter: %s must not be allowed", sr_syscalls[i].name);
		v.of[i] = judge(i, allow[i], deny[i], memory_accounted);
	}
	v.inet = allow_groups[SR_GROUP_ID_sockets_inet] && !deny_groups[SR_GROUP_ID_sockets_inet];
	v.write_exec = allow_groups[SR_GROUP_ID_write_exec] && !deny_groups[SR_GROUP_ID_write_exec];
	*ret = v;
	return 0;
}

static const struct sr_arg_rule pretend_mknod_rules[] = {
	IF(ANY(1, S_IFCHR), SUCCESS),
};
static const struct sr_arg_rule pretend_mknodat_rules[] = {
	IF(ANY(2, S_IFCHR), SUCCESS),
};
static const struct sr_arg_rule network_socket_rules[] = {
	INET_PAIRS(AF_INET),
	INET_PAIRS(AF_INET6),
};
/* One of a pair of datagram sockets can send to any name; the others stay with each other. */
#define PAIR_OF(type) IF_BOTH(EQUAL(0, AF_UNIX), MASKED(1, KERNEL_SOCK_TYPE_MASK, type), ALLOW)
static const struct sr_arg_rule network_socketpair_rules[] = {
	PAIR_OF(SOCK_STREAM),
	PAIR_OF(SOCK_SEQPACKET),
};

/* Of the calls that have rules: others are refused, or were never looked at. */
static void replace_rules(struct sr_verdicts *v, const struct sr_arg_rules *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (v->of[rules[i].call].rules)
			v->of[rules[i].call].rules = &rules[i];
	}
}

void filter_pretend(struct sr_verdicts *v, bool network)
{
	static const int calls[] = {
		SR_SYSCALL_chown,     SR_SYSCALL_fchown,    SR_SYSCALL_lchown,	 SR_SYSCALL_fchownat,  SR_SYSCALL_setuid,
		SR_SYSCALL_setgid,    SR_SYSCALL_setreuid,  SR_SYSCALL_setregid, SR_SYSCALL_setresuid, SR_SYSCALL_setresgid,
		SR_SYSCALL_setgroups, SR_SYSCALL_setfsuid,  SR_SYSCALL_setfsgid, SR_SYSCALL_capset,
		/* a layer is made durable when it is sealed, not file by file */
		SR_SYSCALL_fsync,     SR_SYSCALL_fdatasync, SR_SYSCALL_sync,	 SR_SYSCALL_syncfs,    SR_SYSCALL_sync_file_range,
	};
	static const struct sr_arg_rules rules[] = {
		RULES(mknod, pretend_mknod_rules, ALLOW),
		RULES(mknodat, pretend_mknodat_rules, ALLOW),
	};
	static const struct sr_arg_rules network_rules[] = {
		RULES(socket, network_socket_rules, ERRNO(EAFNOSUPPORT)),
		RULES(socketpair, network_socketpair_rules, ERRNO(EAFNOSUPPORT)),
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(calls); i++)
		v->of[calls[i]] = (struct sr_verdict){ .action = SUCCESS };
	replace_rules(v, rules, SR_ELEMENTSOF(rules));
	if (network)
		replace_rules(v, network_rules, SR_ELEMENTSOF(network_rules));
}

void filter_resolve_init(struct sr_verdicts *ret)
{
	static const int calls[] = {
		SR_SYSCALL_read,	      SR_SYSCALL_write,	      SR_SYSCALL_poll,	     SR_SYSCALL_ppoll,
		SR_SYSCALL_wait4,	      SR_SYSCALL_waitid,      SR_SYSCALL_kill,	     SR_SYSCALL_pidfd_send_signal,
		SR_SYSCALL_close,	      SR_SYSCALL_exit,	      SR_SYSCALL_exit_group, SR_SYSCALL_rt_sigreturn,
		SR_SYSCALL_restart_syscall,   SR_SYSCALL_rt_sigprocmask, SR_SYSCALL_getrusage, SR_SYSCALL_clock_gettime,
		SR_SYSCALL_sendmsg,	      SR_SYSCALL_recvmsg,
	};

	*ret = (struct sr_verdicts){ .unknown = SECCOMP_RET_KILL_PROCESS };
	for (size_t i = 0; i < SR_SYSCALL_MAX; i++)
		ret->of[i].action = SECCOMP_RET_KILL_PROCESS;
	for (size_t i = 0; i < SR_ELEMENTSOF(calls); i++)
		ret->of[calls[i]].action = ALLOW;
}
