/* SPDX-License-Identifier: MIT */
#include "policy/syscalls.h"

#include <string.h>

#include "base/str.h"

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

const enum sr_syscall_id sr_syscalls_needed[SR_SYSCALLS_NEEDED] = { SR_SYSCALL_execve, SR_SYSCALL_exit_group,
								  SR_SYSCALL_exit };

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

/* One letter in three may be wrong: short names lie close together, and a wild guess helps nobody. */
static void consider(const char *name, const char *have, size_t *best, const char **ret)
{
	size_t len = strlen(name), d = str_distance(name, len, have, strlen(have));

	if (d < *best && d <= (len + 2) / 3) {
		*best = d;
		*ret = have;
	}
}

const char *syscalls_nearest(const char *name)
{
	const char *nearest = NULL;
	size_t best = 4;

	if (*name == '@') {
		for (int i = 0; i < SR_GROUP_ID_MAX; i++)
			consider(name, sr_syscall_groups[i].name, &best, &nearest);
		return nearest;
	}
	for (int i = 0; i < SR_SYSCALL_MAX; i++)
		consider(name, sr_syscalls[i].name, &best, &nearest);
	return nearest;
}
