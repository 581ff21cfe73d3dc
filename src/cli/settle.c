/* SPDX-License-Identifier: MIT */
/*
 * What everybody wants becomes one policy. Profile < the user's config.ini < command line; then the project's sandrun.ini, which
 * comes with the code and may only make it stricter (findings 26, 27).
 */
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "plan/filter-rules.h"
#include "policy/config.h"
#include "policy/profile-read.h"
#include "policy/profile.h"

/* Does every call that `a` lets through pass with `b` too, under the same rules or fewer? */
static bool is_let_through(const struct sr_verdict *a, const struct sr_verdict *b)
{
	if (!a->rules && a->action != SECCOMP_RET_ALLOW)
		return true;
	return (b->rules || b->action == SECCOMP_RET_ALLOW) && (!b->rules || a->rules == b->rules);
}

static bool has_group(const struct sr_policy *p, const char *name)
{
	bool has = false;

	for (size_t i = 0; i < p->seccomp.allow.count; i++)
		has = has || strcmp(p->seccomp.allow.items[i], name) == 0;
	for (size_t i = 0; i < p->seccomp.deny.count; i++)
		has = has && strcmp(p->seccomp.deny.items[i], name) != 0;
	return has;
}

static bool has_calls(size_t group)
{
	for (size_t i = 0; i < SR_SYSCALL_MAX; i++) {
		if (sr_syscalls[i].group == group)
			return true;
	}
	return false;
}

/* Groups without calls of their own (@sockets-inet) change what the rules of other groups' calls let through. */
static bool are_switches_within(const struct sr_policy *a, const struct sr_policy *b)
{
	for (size_t i = 0; i < SR_GROUP_ID_MAX; i++) {
		const char *name = sr_syscall_groups[i].name;

		if (!has_calls(i) && has_group(a, name) && !has_group(b, name))
			return false;
	}
	return true;
}

static int is_filter_within(const struct sr_policy *a, const struct sr_policy *b, bool *ret, struct sr_error *err)
{
	struct sr_verdicts va, vb;
	int r = filter_resolve(&a->seccomp, true, &va, err);

	if (r == 0)
		r = filter_resolve(&b->seccomp, true, &vb, err);
	if (r < 0)
		return r;
	*ret = are_switches_within(a, b);
	for (size_t i = 0; i < SR_SYSCALL_MAX; i++)
		*ret = *ret && is_let_through(&va.of[i], &vb.of[i]);
	return 0;
}

/* An error about a name says which file it stands in. */
static int blame(struct sr_error *err, const char *path, unsigned int line, int r)
{
	char shown[256];
	size_t len = strlen(err->text);

	if (r >= 0 || !path)
		return r;
	(void)str_escape(path, shown, sizeof(shown));
	if (line)
		(void)snprintf(err->text + len, sizeof(err->text) - len, " (%s:%u)", shown, line);
	else
		(void)snprintf(err->text + len, sizeof(err->text) - len, " (%s)", shown);
	return r;
}

/* Both are loaded afresh: in c->policy the profile's values are mixed with those of the others already. */
static int settle_profile(struct cli_run *c)
{
	struct sr_manifest *m = &c->manifest;
	struct sr_policy user, wanted;
	bool within = false;
	int r;

	if (!m->profile.value)
		return 0;
	if (policy_is_given(&c->policy, "profile")) /* the user has answered for this run */
		return strv_add(&m->unused, "profile") < 0 ? sr_error_oom(&c->err, "manifest") : 0;
	policy_init(&user);
	policy_init(&wanted);
	r = profile_load(c->policy.profile, &user, &c->err);
	if (r == 0)
		r = blame(&c->err, m->path, m->profile.line, profile_load(m->profile.value, &wanted, &c->err));
	if (r == 0)
		r = is_filter_within(&wanted, &user, &within, &c->err);
	if (r == 0)
		r = manifest_apply_profile(m, &c->policy, &user, &wanted, within, &c->err);
	policy_done(&user);
	policy_done(&wanted);
	return r;
}

static bool ships(const char *profile)
{
	for (size_t i = 0; i < sr_profile_text_count; i++) {
		if (strcmp(sr_profile_texts[i].name, profile) == 0)
			return true;
	}
	return false;
}

/*
 * An environment that the user named may say which profile it is made for; what he says of the profile himself holds. An image
 * is hostile, so it chooses among those that ship. One that a project names has no say: it would loosen the run.
 */
static int settle_named(struct cli_run *c)
{
	struct sr_policy *p = &c->policy;
	int r = settle_environment(c);

	if (r < 0 || p->profile || p->build_layer || !c->env.profile || !ships(c->env.profile))
		return r;
	p->profile = strdup(c->env.profile);
	return p->profile ? 0 : sr_error_oom(&c->err, "environment");
}

int settle(struct cli_run *c)
{
	struct sr_policy *p = &c->policy;
	int r = p->no_config ? 0 : config_load(p, &c->err);

	if (r == 0 && p->environment)
		r = settle_named(c);
	if (r == 0)
		r = blame(&c->err, p->profile && !policy_is_given(p, "profile") ? p->config_path : NULL, 0,
			  profile_load(p->profile, p, &c->err));
	if (r == 0)
		r = manifest_read(p, &c->manifest, &c->err);
	if (r == 0)
		r = manifest_apply(&c->manifest, p, &c->err);
	if (r == 0)
		r = settle_profile(c);
	p->no_certificate = p->no_certificate || p->build_layer; /* a layer's evidence is its digest */
	return r == 0 ? args_check_settled(p, &c->err) : r;
}

/* Nobody has named one: the script's own words may. */
static int settle_choice(struct cli_run *c)
{
	struct sr_policy *p = &c->policy;
	int r = choice_for_run(p, 0, &c->exec, &c->choice, &c->err);

	if (r < 0 || !c->choice.environment)
		return r;
	p->environment = strdup(c->choice.environment);
	p->environment_by_name = true;
	return p->environment ? 0 : sr_error_oom(&c->err, "environment");
}

int settle_environment(struct cli_run *c)
{
	struct sr_policy *p = &c->policy;
	const struct sr_manifest_text *asked = &c->manifest.environment;
	bool is_asked = asked->value && p->environment && strcmp(asked->value, p->environment) == 0;
	int r;

	if (c->env.name)
		return 0; /* open since settle(): the user named it */
	if (p->build_layer)
		return environment_open_build(p, &c->env, &c->err);
	r = p->environment ? 0 : settle_choice(c);
	if (r < 0)
		return r;
	if (!p->environment || policy_is_given(p, "environment"))
		return environment_open(p->environment, &c->env, &c->err);
	r = p->environment_by_name ? environment_open_named(p->environment, &c->env, &c->err)
				   : environment_open(p->environment, &c->env, &c->err);
	if (c->choice.by == SR_CHOICE_LINE)
		return blame(&c->err, p->form == SR_FORM_SCRIPT ? p->operands.items[0] : "the program", c->choice.found.environment_line, r);
	return is_asked ? blame(&c->err, c->manifest.path, asked->line, r) : blame(&c->err, p->config_path, 0, r);
}

const char *source_name(enum sr_source source)
{
	static const char *const names[SR_FROM_MAX] = { [SR_FROM_BUILTIN] = "built-in",
							[SR_FROM_PROFILE] = "profile",
							[SR_FROM_CONFIG] = "config",
							[SR_FROM_COMMAND_LINE] = "command-line",
							[SR_FROM_MANIFEST] = SR_MANIFEST_NAME };

	return names[source];
}
