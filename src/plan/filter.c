/* SPDX-License-Identifier: MIT */
#include "plan/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "plan/filter-build.h"

#define STAGE "filter"

static bool same_list(const char *const *compiled, const struct sr_strv *names)
{
	size_t i = 0;

	for (; i < names->count && compiled[i]; i++) {
		if (strcmp(compiled[i], names->items[i]) != 0)
			return false;
	}
	return i == names->count && !compiled[i];
}

/*
 * The shipped profile whose lists are the policy's own, item by item: the filter depends on nothing else, so a profile that
 * changes only limits costs no compilation, and one that was edited is never mistaken for the shipped one (finding 18).
 */
static const struct sr_compiled_profile *find_compiled(const struct sr_seccomp_policy *s)
{
	for (size_t i = 0; i < sr_compiled_profile_count; i++) {
		const struct sr_compiled_profile *c = &sr_compiled_profiles[i];

		if (same_list(c->allow, &s->allow) && same_list(c->deny, &s->deny))
			return c;
	}
	return NULL;
}

/* A file of limits alone, whose author thinks of it as a change of the default. */
static int refuse_empty(const struct sr_policy *p, struct sr_error *err)
{
	char shown[128];
	int r = sr_error_set(err, SR_E_PROFILE, EINVAL, "profile",
			     "cannot use profile %s: it allows no system calls, for it extends no profile and has no allow line",
			     str_escape(p->profile_name ? p->profile_name : "default", shown, sizeof(shown)));

	sr_error_hint(err, "put two lines on top: [profile] and extends = default");
	return r;
}

static int check_startable(const struct sr_verdicts *v, struct sr_error *err)
{
	for (size_t i = 0; i < SR_SYSCALLS_NEEDED; i++) {
		const struct sr_verdict *verdict = &v->of[sr_syscalls_needed[i]];
		int r;

		if (verdict->rules || verdict->action == SECCOMP_RET_ALLOW)
			continue;
		r = sr_error_set(err, SR_E_PROFILE, EINVAL, "profile", "cannot use the profile: it does not allow %s, so no program could run",
				 sr_syscalls[sr_syscalls_needed[i]].name);
		sr_error_hint(err, "start from a shipped one: [profile] extends = default, then [seccomp] deny = ...");
		return r;
	}
	return 0;
}

static int compile_now(const struct sr_policy *p, bool memory_accounted, enum sr_arch arch, struct sr_filter *ret,
		       struct sr_error *err)
{
	struct sock_filter *insns = NULL;
	unsigned short count = 0;
	struct sr_verdicts v;
	int r = filter_resolve(&p->seccomp, memory_accounted, &v, err);

	if (r == 0)
		r = check_startable(&v, err);
	if (r < 0)
		return r;
	if (p->build_layer)
		filter_pretend(&v, p->build_network);
	r = filter_compile(&v, &sr_syscall_numbers, arch, &insns, &count);
	if (r == -ENOMEM)
		return sr_error_oom(err, STAGE);
	if (r < 0)
		return sr_error_set(err, SR_E_INTERNAL, -r, STAGE, "cannot compile the filter: %s", strerror(-r));
	*ret = (struct sr_filter){ .insns = insns, .count = count, .owned = insns };
	return 0;
}

int filter_build(const struct sr_policy *p, bool memory_accounted, struct sr_filter *ret, struct sr_error *err)
{
	enum sr_arch arch = syscalls_native_arch();
	const struct sr_compiled_profile *c;

	/* cppcheck-suppress knownConditionTrueFalse ; it knows no architecture */
	if (arch == SR_ARCH_MAX)
		return sr_error_set(err, SR_E_SECCOMP, ENOTSUP, STAGE,
				    "cannot compile the filter: no table of system calls for this machine");
	if (p->seccomp.allow.count == 0)
		return refuse_empty(p, err);
	c = p->build_layer ? NULL : find_compiled(&p->seccomp);
	if (!c)
		return compile_now(p, memory_accounted, arch, ret, err);
	*ret = (struct sr_filter){ .insns = c->filter[arch][memory_accounted].insns,
				   .count = c->filter[arch][memory_accounted].count };
	return 0;
}

void filter_for_init(struct sr_filter *ret)
{
	enum sr_arch arch = syscalls_native_arch();

	*ret = (struct sr_filter){ .insns = NULL };
	/* cppcheck-suppress knownConditionTrueFalse ; the same */
	if (arch == SR_ARCH_MAX)
		return; /* filter_build() has refused such a machine */
	ret->insns = sr_compiled_init[arch].insns;
	ret->count = sr_compiled_init[arch].count;
}

void filter_done(struct sr_filter *f)
{
	free(f->owned);
	*f = (struct sr_filter){ .insns = NULL };
}
