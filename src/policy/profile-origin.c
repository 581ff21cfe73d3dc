/* SPDX-License-Identifier: MIT */
#include "policy/profile-origin.h"

#include <errno.h>
#include <stdlib.h>

struct profile_origin profile_origin_limit(const struct profile_chain *c, enum sr_limit_id id)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->links[i].notes.limit_lines[id])
			return (struct profile_origin){ &c->links[i], c->links[i].notes.limit_lines[id] };
	}
	return (struct profile_origin){ .link = NULL };
}

struct profile_origin profile_origin_strict(const struct profile_chain *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->links[i].notes.strict_line)
			return (struct profile_origin){ &c->links[i], c->links[i].notes.strict_line };
	}
	return (struct profile_origin){ .link = NULL };
}

struct profile_origin profile_origin_quiet(const struct profile_chain *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->links[i].notes.quiet_line)
			return (struct profile_origin){ &c->links[i], c->links[i].notes.quiet_line };
	}
	return (struct profile_origin){ .link = NULL };
}

int profile_names_collect(const struct profile_chain *c, bool allow, struct profile_names *ret)
{
	struct profile_names n = { .count = 0 };
	size_t all = 0;

	for (size_t i = 0; i < c->count; i++)
		all += allow ? c->links[i].profile.allow.count : c->links[i].profile.deny.count;
	n.items = calloc(all + 1, sizeof(*n.items));
	if (!n.items)
		return -ENOMEM;
	for (size_t i = 0; i < c->count; i++) {
		const struct profile_link *l = &c->links[i];
		const struct sr_strv *names = allow ? &l->profile.allow : &l->profile.deny;
		const unsigned int *lines = allow ? l->notes.allow_lines : l->notes.deny_lines;

		for (size_t k = 0; k < names->count; k++) {
			const char *text = names->items[k];

			n.items[n.count++] = (struct profile_name){
				.text = text,
				.link = i,
				.line = lines[k],
				.group = *text == '@' ? syscalls_find_group(text) : -1,
				.call = *text == '@' ? -1 : syscalls_find(text),
			};
		}
	}
	*ret = n;
	return 0;
}

void profile_names_done(struct profile_names *n)
{
	free(n->items);
	*n = (struct profile_names){ .count = 0 };
}

bool profile_name_covers_call(const struct profile_name *name, int call)
{
	return name->call == call || (name->group >= 0 && sr_syscalls[call].group == name->group);
}

bool profile_name_covers(const struct profile_name *outer, const struct profile_name *inner)
{
	if (inner->group >= 0)
		return outer->group == inner->group;
	return profile_name_covers_call(outer, inner->call);
}

const struct profile_name *profile_names_find_call(const struct profile_names *n, int call)
{
	for (size_t i = 0; i < n->count; i++) {
		if (profile_name_covers_call(&n->items[i], call))
			return &n->items[i];
	}
	return NULL;
}

const struct profile_name *profile_names_find_group(const struct profile_names *n, int group)
{
	for (size_t i = 0; i < n->count; i++) {
		if (n->items[i].group == group)
			return &n->items[i];
	}
	return NULL;
}
