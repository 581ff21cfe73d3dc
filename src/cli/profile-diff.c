/* SPDX-License-Identifier: MIT */
/*
 * sandrun profile diff A B: what a run may do under B and not under A, the reverse, and the limits that differ.
 */
#include <string.h>

#include "cli/profile.h"

#define SHOWN(s) str_escape((s), (char[512]){ 0 }, 512)

struct pair {
	struct profile_resolved a, b;
};

/* What changes between the two for one call. */
enum change { SAME, ONLY_A, ONLY_B, ANSWER, ARGUMENTS };

static bool same_rules(const struct pair *p, int i)
{
	const struct sr_arg_rules *a = p->a.verdicts.of[i].rules, *b = p->b.verdicts.of[i].rules;

	if (a != b)
		return false;
	for (unsigned int k = 0; a && k < a->count; k++) {
		if (filter_rule_counts(&p->a.verdicts, &a->rules[k]) != filter_rule_counts(&p->b.verdicts, &a->rules[k]))
			return false;
	}
	return true;
}

static enum change change_of(const struct pair *p, int i)
{
	const struct sr_verdict *a = &p->a.verdicts.of[i], *b = &p->b.verdicts.of[i];
	char text_a[32], text_b[32];
	bool allows_a, allows_b;

	verdict_text(a, text_a);
	verdict_text(b, text_b);
	allows_a = strcmp(text_a, "allowed") == 0;
	allows_b = strcmp(text_b, "allowed") == 0;
	if (allows_a != allows_b)
		return allows_a ? ONLY_A : ONLY_B;
	if (strcmp(text_a, text_b) != 0)
		return ANSWER;
	return same_rules(p, i) ? SAME : ARGUMENTS;
}

static bool limit_differs(const struct pair *p, unsigned int i)
{
	return policy_limit(&p->a.policy, (enum sr_limit_id)i) != policy_limit(&p->b.policy, (enum sr_limit_id)i);
}

static bool switch_differs(const struct pair *p, int which)
{
	return strcmp(switch_text(&p->a.policy, which), switch_text(&p->b.policy, which)) != 0;
}

/* A group without calls of its own, which changes arguments of others. */
static enum change change_of_group(const struct pair *p, int g)
{
	bool a = group_is_allowed(&p->a, g), b = group_is_allowed(&p->b, g);

	if (!group_is_bare(g) || a == b)
		return SAME;
	return a ? ONLY_A : ONLY_B;
}

static bool has(const struct pair *p, int group, enum change change)
{
	if (change_of_group(p, group) == change && change != SAME)
		return true;
	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		if (sr_syscalls[i].group == group && change_of(p, i) == change)
			return true;
	}
	return false;
}

static bool differ(const struct pair *p)
{
	for (unsigned int i = 0; i < SR_LIMIT_MAX; i++) {
		if (limit_differs(p, i))
			return true;
	}
	for (int i = 0; i < PROFILE_SWITCH_MAX; i++) {
		if (switch_differs(p, i))
			return true;
	}
	for (int g = 0; g < SR_GROUP_ID_MAX; g++) {
		for (int change = ONLY_A; change <= ARGUMENTS; change++) {
			if (has(p, g, (enum change)change))
				return true;
		}
	}
	return false;
}

/* --- text ----------------------------------------------------------------------------------------------------------------- */

static void print_limits(const struct pair *p)
{
	bool titled = false;

	for (unsigned int i = 0; i < SR_LIMIT_MAX; i++) {
		char a[32], b[32];

		if (!limit_differs(p, i))
			continue;
		if (!titled)
			(void)printf("Limits, %s -> %s\n", SHOWN(p->a.name), SHOWN(p->b.name));
		titled = true;
		limit_text(&p->a.policy, (enum sr_limit_id)i, a);
		limit_text(&p->b.policy, (enum sr_limit_id)i, b);
		(void)printf("  %-16s%s -> %s\n", limit_name((enum sr_limit_id)i), a, b);
	}
}

/* The rules that count under one of the two only. */
static void print_rules(const struct pair *p, const struct sr_arg_rules *rules)
{
	for (unsigned int i = 0; rules && i < rules->count; i++) {
		const struct sr_arg_rule *rule = &rules->rules[i];
		bool a = filter_rule_counts(&p->a.verdicts, rule), b = filter_rule_counts(&p->b.verdicts, rule);
		char when[160], answer[32];

		if (a == b)
			continue;
		rule_when(rule, when, sizeof(when));
		answer_text(rule->action, answer);
		(void)printf("%30sonly %s: %s: %s\n", "", SHOWN(a ? p->a.name : p->b.name), when, answer);
	}
}

static void print_switches(const struct pair *p)
{
	bool titled = false;

	for (int i = 0; i < PROFILE_SWITCH_MAX; i++) {
		if (!switch_differs(p, i))
			continue;
		if (!titled)
			(void)printf("Switches, %s -> %s\n", SHOWN(p->a.name), SHOWN(p->b.name));
		titled = true;
		(void)printf("  %-16s%s -> %s\n", switch_name(i), switch_text(&p->a.policy, i), switch_text(&p->b.policy, i));
	}
}

static void print_call(const struct pair *p, int i, enum change change)
{
	char a[32], b[32];

	(void)printf("    %-26s", sr_syscalls[i].name);
	if (change == ANSWER) {
		verdict_text(&p->a.verdicts.of[i], a);
		verdict_text(&p->b.verdicts.of[i], b);
		(void)printf("%s -> %s; ", a, b);
	}
	(void)printf("%s\n", sr_syscalls[i].reason);
	if (change == ARGUMENTS)
		print_rules(p, p->a.verdicts.of[i].rules);
}

static void print_change(const struct pair *p, enum change change, const char *what, const char *who, const char *other)
{
	bool titled = false;

	for (int g = 0; g < SR_GROUP_ID_MAX; g++) {
		if (!has(p, g, change))
			continue;
		if (!titled)
			(void)printf("%s %s%s%s\n", what, SHOWN(who), other ? " and not by " : "", other ? SHOWN(other) : "");
		titled = true;
		(void)printf("  %s: %s\n", sr_syscall_groups[g].name, sr_syscall_groups[g].reason);
		for (int i = 0; i < SR_SYSCALL_MAX; i++) {
			if (sr_syscalls[i].group == g && change_of(p, i) == change)
				print_call(p, i, change);
		}
	}
}

static void print_all(const struct pair *p)
{
	char both[1100];

	print_limits(p);
	print_switches(p);
	print_change(p, ONLY_B, "System calls allowed by", p->b.name, p->a.name);
	print_change(p, ONLY_A, "System calls allowed by", p->a.name, p->b.name);
	(void)snprintf(both, sizeof(both), "%s -> %s", SHOWN(p->a.name), SHOWN(p->b.name));
	print_change(p, ANSWER, "System calls refused with another answer,", both, NULL);
	print_change(p, ARGUMENTS, "System calls allowed with other arguments,", both, NULL);
}

/* --- JSON ----------------------------------------------------------------------------------------------------------------- */

static json_t *limits_json(const struct pair *p)
{
	json_t *all = json_object();

	for (unsigned int i = 0; i < SR_LIMIT_MAX; i++) {
		char a[32], b[32];

		if (!limit_differs(p, i))
			continue;
		limit_text(&p->a.policy, (enum sr_limit_id)i, a);
		limit_text(&p->b.policy, (enum sr_limit_id)i, b);
		(void)json_object_set_new(all, limit_name((enum sr_limit_id)i), json_pack("{s:s, s:s}", "a", a, "b", b));
	}
	return all;
}

static json_t *switches_json(const struct pair *p)
{
	json_t *all = json_object();

	for (int i = 0; i < PROFILE_SWITCH_MAX; i++) {
		if (switch_differs(p, i))
			(void)json_object_set_new(all, switch_name(i), json_pack("{s:s, s:s}", "a", switch_text(&p->a.policy, i), "b",
										 switch_text(&p->b.policy, i)));
	}
	return all;
}

static json_t *calls_json(const struct pair *p, enum change change)
{
	json_t *all = json_array();

	for (int i = 0; i < SR_SYSCALL_MAX; i++) {
		char a[32], b[32];

		if (change_of(p, i) != change)
			continue;
		verdict_text(&p->a.verdicts.of[i], a);
		verdict_text(&p->b.verdicts.of[i], b);
		(void)json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", sr_syscalls[i].name, "group",
							   sr_syscall_groups[sr_syscalls[i].group].name, "reason",
							   sr_syscalls[i].reason, "a", a, "b", b));
	}
	return all;
}

static json_t *groups_json(const struct pair *p, enum change change)
{
	json_t *all = json_array();

	for (int g = 0; g < SR_GROUP_ID_MAX; g++) {
		if (change_of_group(p, g) == change)
			(void)json_array_append_new(all, json_pack("{s:s, s:s}", "name", sr_syscall_groups[g].name, "reason",
								   sr_syscall_groups[g].reason));
	}
	return all;
}

static json_t *all_json(const struct pair *p)
{
	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "a", SHOWN(p->a.name), "b", SHOWN(p->b.name),
			 "same", !differ(p), "limits", limits_json(p), "switches", switches_json(p), "onlyA", calls_json(p, ONLY_A), "onlyB",
			 calls_json(p, ONLY_B), "onlyAGroups", groups_json(p, ONLY_A), "onlyBGroups", groups_json(p, ONLY_B),
			 "answers", calls_json(p, ANSWER), "arguments", calls_json(p, ARGUMENTS));
}

int profile_diff(const struct profile_call *call)
{
	struct sr_error err = SR_ERROR_INIT;
	struct pair p = { .a = { .name = NULL } };
	int r = profile_resolve(call, call->operands[0], &p.a, &err), status;

	if (r == 0)
		r = profile_resolve(call, call->operands[1], &p.b, &err);
	if (r < 0) {
		message_error(&call->c->policy, &err);
		status = err.status;
	} else if (call->json) {
		status = message_json(&call->c->policy, "profile", all_json(&p), 0, differ(&p));
	} else {
		print_all(&p);
		status = message_flush(&call->c->policy, differ(&p));
	}
	profile_resolved_done(&p.a);
	profile_resolved_done(&p.b);
	return status;
}
