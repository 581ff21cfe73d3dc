/* SPDX-License-Identifier: MIT */
#include "policy/syscalls.h"

#include <string.h>

#define UNCOUNTED(id) ((id) == SR_GROUP_ID_memfd || (id) == SR_GROUP_ID_ipc_sysv)

const struct sr_syscall_group sr_syscall_groups[SR_GROUP_ID_MAX] = {
#define SR_SYSCALL_GROUP(id, name, kind, reason) \
	[SR_GROUP_ID_##id] = { name, reason, SR_GROUP_##kind, UNCOUNTED(SR_GROUP_ID_##id) },
#define SR_SYSCALL(name, group, reason)
#include "policy/syscalls.def"
};

const struct sr_syscall sr_syscalls[SR_SYSCALL_MAX] = {
#define SR_SYSCALL(name, group, reason) [SR_SYSCALL_##name] = { #name, reason, SR_GROUP_ID_##group, -1 },
#define SR_SYSCALL_NEW(name, group, number, reason) \
	[SR_SYSCALL_##name] = { #name, reason, SR_GROUP_ID_##group, number },
#include "policy/syscalls.def"
};

int syscalls_find(const char *name)
{
	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		if (strcmp(sr_syscalls[i].name, name) == 0)
			return i;
	}
	return -1;
}

int syscalls_find_group(const char *name)
{
	for (int i = 0; i < SR_GROUP_ID_MAX; i++) {
		if (strcmp(sr_syscall_groups[i].name, name) == 0)
			return i;
	}
	return -1;
}
