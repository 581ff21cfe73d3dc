/* SPDX-License-Identifier: MIT */
/*
 * Why a call was refused and what would allow it. Nothing is guessed from names: each candidate goes into a copy of the
 * profile's allow list, and the filter made of that is asked about the call.
 */
#include <errno.h>
#include <linux/audit.h>
#include <string.h>

#include "cli/learn.h"
#include "plan/filter-learn.h"
#include "plan/filter-rules.h"
#include "policy/syscalls.h"

#if defined(__x86_64__)
#define NATIVE_AUDIT_ARCH AUDIT_ARCH_X86_64
#else
#define NATIVE_AUDIT_ARCH AUDIT_ARCH_AARCH64
#endif

static int copy_list(const struct sr_strv *from, struct sr_strv *to)
{
	int r = 0;

	for (size_t i = 0; i < from->count && !r; i++)
		r = strv_add(to, from->items[i]);
	return r;
}

/* Would the profile's filter, with one more name or two, make this call? */
static bool allows(const struct sr_policy *p, const char *name, const char *second, bool memory_accounted,
		   const struct sr_learned_call *call)
{
	struct sr_policy q = { .seccomp = { .shipped = false } };
	struct seccomp_data data = { .nr = call->number, .arch = NATIVE_AUDIT_ARCH };
	struct sr_filter f = { .insns = NULL };
	bool yes = false;

	memcpy(data.args, call->args, sizeof(call->args));
	if (copy_list(&p->seccomp.allow, &q.seccomp.allow) == 0 && copy_list(&p->seccomp.deny, &q.seccomp.deny) == 0 &&
	    strv_add(&q.seccomp.allow, name) == 0 && (!second || strv_add(&q.seccomp.allow, second) == 0) && filter_build(&q, memory_accounted, &f, NULL) == 0)
		yes = filter_answer(&f, &data) == SECCOMP_RET_ALLOW;
	filter_done(&f);
	strv_done(&q.seccomp.allow);
	strv_done(&q.seccomp.deny);
	return yes;
}

static bool listed(const struct sr_strv *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i], name) == 0)
			return true;
	}
	return false;
}

/* The groups that change rules about arguments: would one of them allow it, if the profile did not deny it? */
static bool group_denied(const struct cli_run *c, const struct sr_learned_call *call, struct learn_advice *ret)
{
	static const int switches[] = { SR_GROUP_ID_sockets_inet, SR_GROUP_ID_write_exec };

	for (size_t i = 0; i < SR_ELEMENTSOF(switches); i++) {
		const char *name = sr_syscall_groups[switches[i]].name;
		struct sr_policy q = { .seccomp = { .allow = c->policy.seccomp.allow } }; /* borrowed; without the deny list */

		if (!listed(&c->policy.seccomp.deny, name) || !allows(&q, name, NULL, c->box.counted, call))
			continue;
		(void)snprintf(ret->why, sizeof(ret->why), "the profile denies %s; a deny line can only be changed where it stands", name);
		return true;
	}
	return false;
}

/* Nothing allows it; the words say why, the table's reasons among them. */
static void refuse(const struct cli_run *c, const struct sr_learned_call *call, struct learn_advice *ret)
{
	const struct sr_syscall *s = &sr_syscalls[call->call];
	const struct sr_syscall_group *g = &sr_syscall_groups[s->group];

	if (listed(&c->policy.seccomp.deny, s->name) || listed(&c->policy.seccomp.deny, g->name))
		(void)snprintf(ret->why, sizeof(ret->why), "the profile denies it; a deny line can only be changed where it stands");
	else if (group_denied(c, call, ret))
		return;
	else if (!c->box.counted && allows(&c->policy, s->name, NULL, true, call))
		(void)snprintf(ret->why, sizeof(ret->why), "only a memory cgroup counts its memory, and this run had none");
	else if (g->kind == SR_GROUP_REFUSED || g->kind == SR_GROUP_ABSENT)
		(void)snprintf(ret->why, sizeof(ret->why), "no profile can allow it: %s (%s)", g->reason, s->reason);
	else
		(void)snprintf(ret->why, sizeof(ret->why), "no profile can allow it with these arguments: %s", s->reason);
}

void learn_advise_call(const struct cli_run *c, const struct sr_learned_call *call, struct learn_advice *ret)
{
	struct sr_verdicts v;
	const char *name, *group, *inet = sr_syscall_groups[SR_GROUP_ID_sockets_inet].name;
	const char *write_exec = sr_syscall_groups[SR_GROUP_ID_write_exec].name;
	bool rule;

	*ret = (struct learn_advice){ .layer = "seccomp-list", .by = "the filter's list of calls" };
	if (call->call < 0) {
		(void)snprintf(ret->why, sizeof(ret->why), "sandrun does not know call %d: younger than its table, or none", call->number);
		return;
	}
	rule = filter_resolve(&c->policy.seccomp, c->box.counted, &v, NULL) == 0 && v.of[call->call].rules;
	if (rule) {
		ret->layer = "seccomp-argument";
		ret->by = "a rule of the filter about its arguments";
	}
	name = sr_syscalls[call->call].name;
	group = sr_syscall_groups[sr_syscalls[call->call].group].name;
	if (allows(&c->policy, name, NULL, c->box.counted, call))
		(void)snprintf(ret->allow, sizeof(ret->allow), "%s", name);
	else if (allows(&c->policy, group, NULL, c->box.counted, call)) /* those that are allowed as a group only */
		(void)snprintf(ret->allow, sizeof(ret->allow), "%s", group);
	else if (rule && allows(&c->policy, inet, NULL, c->box.counted, call))
		(void)snprintf(ret->allow, sizeof(ret->allow), "%s", inet);
	else if (rule && allows(&c->policy, write_exec, NULL, c->box.counted, call))
		(void)snprintf(ret->allow, sizeof(ret->allow), "%s", write_exec);
	else if (!rule && allows(&c->policy, name, inet, c->box.counted, call))
		(void)snprintf(ret->allow, sizeof(ret->allow), "%s %s", name, inet);
	else
		refuse(c, call, ret);
}
