/* SPDX-License-Identifier: MIT */
/*
 * Where the values of a chain of profiles come from: file and line. The chain was read with notes; what is returned points
 * into it.
 */
#ifndef SR_POLICY_PROFILE_ORIGIN_H
#define SR_POLICY_PROFILE_ORIGIN_H

#include "policy/profile-files.h"
#include "policy/syscalls.h"

struct profile_origin {
	const struct profile_link *link; /* NULL: no file says it */
	unsigned int line;
};

/* The line whose value holds: the child's before its parents'. */
struct profile_origin profile_origin_limit(const struct profile_chain *c, enum sr_limit_id id);
/* The same of [profile] strict and quiet. */
struct profile_origin profile_origin_strict(const struct profile_chain *c);
struct profile_origin profile_origin_quiet(const struct profile_chain *c);

/* One name of an allow or deny list. */
struct profile_name {
	const char *text;
	size_t link;       /* index in the chain: 0 is the child */
	unsigned int line;
	int group;         /* enum sr_syscall_group_id; -1 for a call */
	int call;          /* enum sr_syscall_id; -1 for a group */
};

struct profile_names {
	struct profile_name *items; /* the child's first, each file's in its order */
	size_t count;
};

/* All names of the allow lists, or of the deny lists. 0 or -ENOMEM; freed with profile_names_done(). */
int profile_names_collect(const struct profile_chain *c, bool allow, struct profile_names *ret);
void profile_names_done(struct profile_names *n);

/* True when `outer` says all that `inner` says: the same name, or the group of the call. */
bool profile_name_covers(const struct profile_name *outer, const struct profile_name *inner);
bool profile_name_covers_call(const struct profile_name *name, int call);
/* The first name that covers the call; NULL: none does. */
const struct profile_name *profile_names_find_call(const struct profile_names *n, int call);
/* The first mention of the group itself. */
const struct profile_name *profile_names_find_group(const struct profile_names *n, int group);

#endif
