/* SPDX-License-Identifier: MIT */
/*
 * Answers of a filter, its rules and the places of profiles as text.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "cli/profile.h"

/* Not every C library can name an error: these are the ones that filters answer with. */
static const char *errno_name(unsigned int number)
{
	static const struct {
		unsigned int number;
		const char *name;
	} names[] = {
		{ EPERM, "EPERM" },
		{ ENOENT, "ENOENT" },
		{ EACCES, "EACCES" },
		{ ENODEV, "ENODEV" },
		{ EINVAL, "EINVAL" },
		{ ENOTTY, "ENOTTY" },
		{ ENOSYS, "ENOSYS" },
		{ ENOPKG, "ENOPKG" },
		{ EOPNOTSUPP, "EOPNOTSUPP" },
		{ EAFNOSUPPORT, "EAFNOSUPPORT" },
		{ EPROTONOSUPPORT, "EPROTONOSUPPORT" },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++) {
		if (names[i].number == number)
			return names[i].name;
	}
	return NULL;
}

void answer_text(uint32_t action, char out[static 32])
{
	unsigned int data = action & SECCOMP_RET_DATA;
	const char *name = errno_name(data), *text;

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		text = "allowed";
		break;
	case SECCOMP_RET_ERRNO:
		text = data == 0 ? "success, not made" : name;
		break;
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
		text = "killed";
		break;
	default:
		text = "stopped";
		break;
	}
	if (text)
		(void)snprintf(out, 32, "%s", text);
	else
		(void)snprintf(out, 32, "error %u", data);
}

void verdict_text(const struct sr_verdict *v, char out[static 32])
{
	answer_text(v->rules ? SECCOMP_RET_ALLOW : v->action, out);
}

static size_t cond_text(const struct sr_arg_cond *c, char *out, size_t size)
{
	int n = 0;

	switch ((enum sr_cond_kind)c->kind) { /* every kind, so that the compiler names one that is new */
	case SR_COND_LOW_EQUAL:
		n = snprintf(out, size, "arg%u = 0x%x", c->arg, c->value);
		break;
	case SR_COND_LOW_ANY:
		n = snprintf(out, size, "arg%u has a bit of 0x%x", c->arg, c->value);
		break;
	case SR_COND_LOW_MASKED:
		n = snprintf(out, size, "arg%u & 0x%x = 0x%x", c->arg, c->mask, c->value);
		break;
	case SR_COND_LOW_ABOVE:
		n = snprintf(out, size, "arg%u > 0x%x", c->arg, c->value);
		break;
	case SR_COND_NONZERO:
		n = snprintf(out, size, "arg%u is not 0", c->arg);
		break;
	}
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

void rule_when(const struct sr_arg_rule *rule, char *out, size_t size)
{
	size_t used = 0;

	*out = '\0';
	for (unsigned int i = 0; i < rule->cond_count; i++) {
		int n = i ? snprintf(out + used, size - used, ", ") : 0;

		used += n > 0 && (size_t)n < size - used ? (size_t)n : 0;
		used += cond_text(&rule->conds[i], out + used, size - used);
	}
}

bool group_is_bare(int group)
{
	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		if (sr_syscalls[i].group == group)
			return false;
	}
	return true;
}

bool group_is_allowed(const struct profile_resolved *r, int group)
{
	return profile_names_find_group(&r->allow, group) && !profile_names_find_group(&r->deny, group);
}

const char *switch_name(int which)
{
	return which == PROFILE_SWITCH_STRICT ? "strict" : "quiet";
}

const char *switch_text(const struct sr_policy *p, int which)
{
	return (which == PROFILE_SWITCH_STRICT ? p->strict_by_profile : p->quiet_by_profile) ? "yes" : "no";
}

void origin_text(const struct profile_chain *chain, size_t link, unsigned int line, char *out, size_t size)
{
	char shown[512];

	(void)snprintf(out, size, "%s:%u", str_escape(profile_link_label(&chain->links[link]), shown, sizeof(shown)), line);
}

const char *place_name(enum place place)
{
	static const char *const names[PLACE_MAX] = {
		[PLACE_USER] = "user",
		[PLACE_INSTALLED] = "installed",
		[PLACE_COMPILED_IN] = "compiled in",
	};

	return names[place];
}
