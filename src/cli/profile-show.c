/* SPDX-License-Identifier: MIT */
/*
 * sandrun profile show: one profile as a run would have it: limits with their origins, every system call with its answer and
 * the reason why it stands where it does.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "cli/profile.h"

#define STAGE "profile"
#define SHOWN(s) str_escape((s), (char[512]){ 0 }, 512)

static const char *const arch_names[SR_ARCH_MAX] = { [SR_ARCH_X86_64] = "x86_64", [SR_ARCH_AARCH64] = "aarch64" };

void profile_resolved_done(struct profile_resolved *r)
{
	free(r->name);
	profile_names_done(&r->allow);
	profile_names_done(&r->deny);
	policy_done(&r->policy);
	profile_chain_done(&r->chain);
}

static int has_changed(const struct profile_chain *chain, const char *name, struct sr_error *err)
{
	for (size_t i = 0; i < chain->count; i++) {
		if (chain->links[i].notes.problems.count)
			return sr_error_set(err, SR_E_PROFILE, EAGAIN, STAGE, "cannot read profile %s: it changed while it was read",
					    SHOWN(name));
	}
	return 0;
}

int profile_resolve(const struct profile_call *call, const char *operand, struct profile_resolved *ret,
		    struct sr_error *err)
{
	struct profile_chain plain = { .noted = false };
	int r;

	*ret = (struct profile_resolved){ .name = profile_operand(operand), .chain = { .noted = true } };
	policy_init(&ret->policy);
	if (!ret->name)
		return sr_error_oom(err, STAGE);
	/* first in the way of a run: with its refusals, in its words */
	r = profile_chain_load(&call->places, ret->name, &plain, err);
	profile_chain_done(&plain);
	if (r == 0)
		r = profile_chain_load(&call->places, ret->name, &ret->chain, err);
	if (r == 0)
		r = has_changed(&ret->chain, ret->name, err);
	if (r == 0)
		r = profile_chain_apply(&ret->chain, ret->name, &ret->policy, err);
	if (r == 0 && (profile_names_collect(&ret->chain, true, &ret->allow) < 0 ||
		       profile_names_collect(&ret->chain, false, &ret->deny) < 0))
		r = sr_error_oom(err, STAGE);
	if (r == 0)
		r = filter_resolve(&ret->policy.seccomp, true, &ret->verdicts, err);
	if (r == 0)
		r = filter_resolve(&ret->policy.seccomp, false, &ret->uncounted, err);
	return r;
}

/* "" where no file says it. */
static void text_of_origin(const struct profile_resolved *r, struct profile_origin o, char *out, size_t size)
{
	*out = '\0';
	if (o.link)
		origin_text(&r->chain, (size_t)(o.link - r->chain.links), o.line, out, size);
}

static void limit_origin(const struct profile_resolved *r, enum sr_limit_id id, char *out, size_t size)
{
	text_of_origin(r, profile_origin_limit(&r->chain, id), out, size);
}

static void switch_origin(const struct profile_resolved *r, int which, char *out, size_t size)
{
	text_of_origin(r, which == PROFILE_SWITCH_STRICT ? profile_origin_strict(&r->chain) : profile_origin_quiet(&r->chain), out,
		       size);
}

static void name_origin(const struct profile_resolved *r, const struct profile_name *n, char *out, size_t size)
{
	*out = '\0';
	if (n)
		origin_text(&r->chain, n->link, n->line, out, size);
}

static const char *link_source(const struct profile_link *l)
{
	return l->path ? l->path : "compiled in";
}

/* --- text ----------------------------------------------------------------------------------------------------------------- */

static void print_head(const struct profile_resolved *r)
{
	const struct profile_link *l = &r->chain.links[0];

	(void)printf("%-12s%s\n", "profile", SHOWN(r->name));
	if (l->notes.description)
		(void)printf("%-12s%s\n", "description", SHOWN(l->notes.description));
	(void)printf("%-12s%s\n", "file", SHOWN(link_source(l)));
	for (size_t i = 1; i < r->chain.count; i++)
		(void)printf("%-12s%s, %s\n", "extends", SHOWN(r->chain.links[i - 1].profile.extends),
			     SHOWN(link_source(&r->chain.links[i])));
}

static void print_limits(const struct profile_resolved *r)
{
	(void)printf("\nLimits\n");
	for (unsigned int i = 0; i < SR_LIMIT_MAX; i++) {
		char value[32], origin[560];

		limit_text(&r->policy, (enum sr_limit_id)i, value);
		limit_origin(r, (enum sr_limit_id)i, origin, sizeof(origin));
		(void)printf("  %-16s%-12s%s\n", limit_name((enum sr_limit_id)i), value, *origin ? origin : "built in");
	}
}

static void print_switches(const struct profile_resolved *r)
{
	(void)printf("\nSwitches\n");
	for (int i = 0; i < PROFILE_SWITCH_MAX; i++) {
		char origin[560];

		switch_origin(r, i, origin, sizeof(origin));
		(void)printf("  %-16s%-12s%s\n", switch_name(i), switch_text(&r->policy, i), *origin ? origin : "built in");
	}
}

static void print_rules(const struct sr_verdicts *v, const struct sr_arg_rules *rules)
{
	char when[160], answer[32];

	for (unsigned int i = 0; i < rules->count; i++) {
		if (!filter_rule_counts(v, &rules->rules[i]))
			continue;
		rule_when(&rules->rules[i], when, sizeof(when));
		answer_text(rules->rules[i].action, answer);
		(void)printf("%30s%s: %s\n", "", when, answer);
	}
	answer_text(rules->otherwise, answer);
	if (rules->otherwise != SECCOMP_RET_ALLOW)
		(void)printf("%30s%s: %s\n", "", rules->count ? "otherwise" : "always", answer);
}

static void print_group(const struct profile_resolved *r, int group)
{
	const struct profile_name *n = profile_names_find_group(&r->allow, group);
	char origin[560];

	name_origin(r, n, origin, sizeof(origin));
	(void)printf("  %s: %s%s%s%s\n", sr_syscall_groups[group].name, sr_syscall_groups[group].reason, *origin ? " [" : "",
		     origin, *origin ? "]" : "");
}

static void print_call(const struct profile_resolved *r, int i)
{
	const struct profile_name *allow = profile_names_find_call(&r->allow, i), *deny = profile_names_find_call(&r->deny, i);
	char origin[560];

	(void)printf("    %-26s%s", sr_syscalls[i].name, sr_syscalls[i].reason);
	if (deny) {
		name_origin(r, deny, origin, sizeof(origin));
		(void)printf(" [denied by %s]", origin);
	} else if (allow && allow->call == i && !profile_names_find_group(&r->allow, sr_syscalls[i].group)) {
		name_origin(r, allow, origin, sizeof(origin));
		(void)printf(" [%s]", origin);
	}
	(void)printf("\n");
	if (r->verdicts.of[i].rules)
		print_rules(&r->verdicts, r->verdicts.of[i].rules);
}

static bool exists_here(int i)
{
	enum sr_arch arch = syscalls_native_arch();

	/* cppcheck-suppress knownConditionTrueFalse ; it knows no architecture */
	return arch == SR_ARCH_MAX || sr_syscall_numbers.number[arch][i] >= 0;
}

static bool is_answered(const struct profile_resolved *r, int i, const char *answer)
{
	char text[32];

	verdict_text(&r->verdicts.of[i], text);
	return exists_here(i) && strcmp(text, answer) == 0;
}

static bool group_is_answered(const struct profile_resolved *r, int group, const char *answer)
{
	if (group_is_bare(group))
		return group_is_allowed(r, group) && strcmp(answer, "allowed") == 0;
	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		if (sr_syscalls[i].group == group && is_answered(r, i, answer))
			return true;
	}
	return false;
}

/* The calls with one answer, by group. */
static void print_answered(const struct profile_resolved *r, const char *answer, const char *title)
{
	bool any = false;

	(void)printf("\n%s\n", title);
	for (int g = 0; g < SR_GROUP_ID_MAX; g++) {
		if (!group_is_answered(r, g, answer))
			continue;
		any = true;
		print_group(r, g);
		for (int i = 0; i < SR_SYSCALL_MAX; i++) {
			if (sr_syscalls[i].group == g && is_answered(r, i, answer))
				print_call(r, i);
		}
	}
	if (!any)
		(void)printf("  none\n");
}

static void print_all(const struct profile_resolved *r)
{
	char unknown[32];

	print_head(r);
	print_limits(r);
	print_switches(r);
	print_answered(r, "allowed", "System calls allowed (arg0 is the first argument)");
	print_answered(r, "EPERM", "System calls answered EPERM");
	print_answered(r, "ENOSYS", "System calls answered ENOSYS");
	answer_text(r->verdicts.unknown, unknown);
	(void)printf("\nAny other call: %s. Calls of another architecture, and of x32: killed.\n", unknown);
}

/* --- JSON ----------------------------------------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *s)
{
	return s && *s ? json_string(SHOWN(s)) : json_null();
}

static json_t *chain_json(const struct profile_resolved *r)
{
	json_t *all = json_array();

	for (size_t i = 0; i < r->chain.count; i++) {
		const struct profile_link *l = &r->chain.links[i];

		(void)json_array_append_new(all, json_pack("{s:o, s:o, s:o}", "name", text_or_null(l->name), "place",
							   text_or_null(l->name ? place_name(l->place) : NULL), "path",
							   text_or_null(l->path)));
	}
	return all;
}

static json_t *limits_json(const struct profile_resolved *r)
{
	json_t *all = json_object();

	for (unsigned int i = 0; i < SR_LIMIT_MAX; i++) {
		uint64_t v = policy_limit(&r->policy, (enum sr_limit_id)i);
		char value[32], origin[560];

		limit_text(&r->policy, (enum sr_limit_id)i, value);
		limit_origin(r, (enum sr_limit_id)i, origin, sizeof(origin));
		(void)json_object_set_new(all, limit_name((enum sr_limit_id)i),
					  json_pack("{s:s, s:o, s:o}", "value", value, "number",
						    v > INT64_MAX ? json_null() : json_integer((json_int_t)v), "origin",
						    text_or_null(origin)));
	}
	return all;
}

static json_t *switches_json(const struct profile_resolved *r)
{
	json_t *all = json_object();

	for (int i = 0; i < PROFILE_SWITCH_MAX; i++) {
		char origin[560];

		switch_origin(r, i, origin, sizeof(origin));
		(void)json_object_set_new(all, switch_name(i), json_pack("{s:s, s:o}", "value", switch_text(&r->policy, i), "origin",
									 text_or_null(origin)));
	}
	return all;
}

static json_t *rules_json(const struct sr_verdicts *v, const struct sr_arg_rules *rules)
{
	json_t *all = json_array();
	char when[160], answer[32];

	for (unsigned int i = 0; rules && i < rules->count; i++) {
		if (!filter_rule_counts(v, &rules->rules[i]))
			continue;
		rule_when(&rules->rules[i], when, sizeof(when));
		answer_text(rules->rules[i].action, answer);
		(void)json_array_append_new(all, json_pack("{s:s, s:s}", "when", when, "answer", answer));
	}
	if (rules) {
		answer_text(rules->otherwise, answer);
		(void)json_array_append_new(all, json_pack("{s:n, s:s}", "when", "answer", answer));
	}
	return all;
}

static json_t *numbers_json(int call)
{
	json_t *all = json_object();

	for (int a = 0; a < SR_ARCH_MAX; a++) {
		int number = sr_syscall_numbers.number[a][call];

		(void)json_object_set_new(all, arch_names[a], number < 0 ? json_null() : json_integer(number));
	}
	return all;
}

static json_t *call_json(const struct profile_resolved *r, int i)
{
	char answer[32], uncounted[32], allowed[560], denied[560];

	verdict_text(&r->verdicts.of[i], answer);
	verdict_text(&r->uncounted.of[i], uncounted);
	name_origin(r, profile_names_find_call(&r->allow, i), allowed, sizeof(allowed));
	name_origin(r, profile_names_find_call(&r->deny, i), denied, sizeof(denied));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "name", sr_syscalls[i].name, "group",
			 sr_syscall_groups[sr_syscalls[i].group].name, "reason", sr_syscalls[i].reason, "answer", answer,
			 "withoutMemoryCgroup", uncounted, "allowedBy", text_or_null(allowed), "deniedBy", text_or_null(denied),
			 "arguments", rules_json(&r->verdicts, r->verdicts.of[i].rules), "numbers", numbers_json(i));
}

static json_t *groups_json(const struct profile_resolved *r)
{
	static const char *const kinds[] = {
		[SR_GROUP_OPEN] = "open",
		[SR_GROUP_GUARDED] = "guarded",
		[SR_GROUP_REFUSED] = "refused",
		[SR_GROUP_ABSENT] = "absent",
	};
	json_t *all = json_array();

	for (int g = 0; g < SR_GROUP_ID_MAX; g++) {
		const struct profile_name *allow = profile_names_find_group(&r->allow, g);
		char origin[560];

		name_origin(r, allow, origin, sizeof(origin));
		(void)json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:o}", "name", sr_syscall_groups[g].name, "reason",
							   sr_syscall_groups[g].reason, "kind",
							   kinds[sr_syscall_groups[g].kind], "allowedBy", text_or_null(origin)));
	}
	return all;
}

static json_t *all_json(const struct profile_resolved *r)
{
	json_t *calls = json_array();
	char unknown[32];

	for (int i = 0; i < SR_SYSCALL_MAX; i++)
		(void)json_array_append_new(calls, call_json(r, i));
	answer_text(r->verdicts.unknown, unknown);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s}", "name", SHOWN(r->name), "description",
			 text_or_null(r->chain.links[0].notes.description), "chain", chain_json(r), "limits", limits_json(r),
			 "switches", switches_json(r),
			 "groups", groups_json(r), "calls", calls, "otherCalls", unknown, "otherArchitectures", "killed");
}

int profile_show(const struct profile_call *call)
{
	struct sr_error err = SR_ERROR_INIT;
	struct profile_resolved r;
	int status;

	if (profile_resolve(call, call->operands[0], &r, &err) < 0) {
		message_error(&call->c->policy, &err);
		status = err.status;
	} else if (call->json) {
		status = message_json(&call->c->policy, STAGE, all_json(&r), 0, 0);
	} else {
		print_all(&r);
		status = message_flush(&call->c->policy, 0);
	}
	profile_resolved_done(&r);
	return status;
}
