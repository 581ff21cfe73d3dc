/* SPDX-License-Identifier: MIT */
/*
 * The table of system calls (policy/syscalls.def) as data: names, groups, reasons. Numbers come from the build: the
 * program tools/mkfilter asks libseccomp once and writes them down, so that sandrun itself neither links nor asks it.
 */
#ifndef SR_POLICY_SYSCALLS_H
#define SR_POLICY_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

enum sr_syscall_group_kind {
	SR_GROUP_OPEN,    /* a profile may allow it; what it does not allow answers ENOSYS */
	SR_GROUP_GUARDED, /* a profile may allow it by the group's name only; otherwise EPERM */
	SR_GROUP_REFUSED, /* would undo the sandbox: never allowed, EPERM */
	SR_GROUP_ABSENT,  /* never allowed, ENOSYS */
};

enum sr_syscall_group_id {
#define SR_SYSCALL_GROUP(id, name, kind, reason) SR_GROUP_ID_##id,
#define SR_SYSCALL(name, group, reason)
#include "policy/syscalls.def"
	SR_GROUP_ID_MAX
};

enum sr_syscall_id {
#define SR_SYSCALL(name, group, reason) SR_SYSCALL_##name,
#define SR_SYSCALL_NEW(name, group, number, reason) SR_SYSCALL_##name,
#include "policy/syscalls.def"
	SR_SYSCALL_MAX
};

struct sr_syscall_group {
	const char *name; /* "@base" */
	const char *reason;
	enum sr_syscall_group_kind kind;
	bool uncounted; /* its memory is counted by a memory cgroup and by nothing else (finding 14) */
};

struct sr_syscall {
	const char *name;
	const char *reason;
	uint8_t group;   /* enum sr_syscall_group_id */
	int16_t own_number; /* SR_SYSCALL_NEW: the number in every architecture; -1: ask libseccomp */
};

extern const struct sr_syscall_group sr_syscall_groups[SR_GROUP_ID_MAX];
extern const struct sr_syscall sr_syscalls[SR_SYSCALL_MAX];

enum sr_arch {
	SR_ARCH_X86_64,
	SR_ARCH_AARCH64,
	SR_ARCH_MAX
};

/* The architecture this program was compiled for; SR_ARCH_MAX where there is no table for it. */
static inline enum sr_arch syscalls_native_arch(void)
{
#if defined(__x86_64__) && !defined(__ILP32__)
	return SR_ARCH_X86_64;
#elif defined(__aarch64__) && !defined(__ILP32__)
	return SR_ARCH_AARCH64;
#else
	return SR_ARCH_MAX;
#endif
}

/* Numbers as the build found them; -1 where an architecture lacks the call. All are below SR_SYSCALL_NUMBER_MAX. */
#define SR_SYSCALL_NUMBER_MAX 1024
struct sr_syscall_numbers {
	int16_t number[SR_ARCH_MAX][SR_SYSCALL_MAX];
};
extern const struct sr_syscall_numbers sr_syscall_numbers; /* defined in the generated source */

/* The call or the group ("@base") of that name; -1 when there is none. */
int syscalls_find(const char *name);
int syscalls_find_group(const char *name);
/* The name, of a call or (with '@') of a group, that was perhaps meant; NULL when none is near. */
const char *syscalls_nearest(const char *name);

/* Without these calls no program starts, and what fails to start does not end. */
#define SR_SYSCALLS_NEEDED 3
extern const enum sr_syscall_id sr_syscalls_needed[SR_SYSCALLS_NEEDED];

#endif
