/* SPDX-License-Identifier: MIT */
/*
 * Landlock: a second fence over the finished mount tree.
 * Needs: the final tree (rules are tied to it), no privilege. Gives up: nothing until landlock_restrict_self(2), which the
 * payload and, separately, init call. Two rulesets: the payload's, and init's, which allows no file at all.
 * If skipped: one mistake in the mounts is enough.
 */
#include <fcntl.h>
#include <unistd.h>

#include "stage/stage.h"
#include "sys/kernel.h"

static void add_rule(const struct sr_stage_ctx *c, const struct sr_landlock_rule *rule, int index)
{
	struct sys_landlock_path_beneath_attr attr = { .allowed_access = rule->access };
	int r;

	attr.parent_fd = sys_open(rule->path, O_PATH | O_CLOEXEC | O_NOFOLLOW, 0);
	if (attr.parent_fd < 0)
		stage_fail(c, SR_STAGE_LANDLOCK, errno, index);
	r = sys_landlock_add_path(c->ruleset_fd, &attr);
	if (r < 0)
		stage_fail(c, SR_STAGE_LANDLOCK, -r, index);
	(void)close(attr.parent_fd);
}

void stage_landlock_prepare(struct sr_stage_ctx *c)
{
	const struct sr_plan *p = c->plan;
	struct sys_landlock_ruleset_attr attr = { .handled_access_fs = p->landlock_fs, .scoped = p->landlock_scoped };

	if (p->landlock_abi < 1)
		return; /* the plan has noted it; --strict refused there */
	c->ruleset_fd = sys_landlock_create(&attr, p->landlock_attr_size);
	attr.scoped = 0; /* init must signal the payload */
	c->init_ruleset_fd = sys_landlock_create(&attr, p->landlock_attr_size);
	if (c->ruleset_fd < 0 || c->init_ruleset_fd < 0)
		stage_fail(c, SR_STAGE_LANDLOCK, EINVAL, -1);
	for (size_t i = 0; i < p->rule_count; i++)
		add_rule(c, &p->rules[i], (int)i);
}
