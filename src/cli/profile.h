/* SPDX-License-Identifier: MIT */
/*
 * What the files of `sandrun profile` share: cli/profile.c reads its words, lists and checks; profile-show.c and
 * profile-diff.c look at what a run would get.
 */
#ifndef SR_CLI_PROFILE_H
#define SR_CLI_PROFILE_H

#include <jansson.h>

#include "cli/cli.h"
#include "plan/filter-rules.h"
#include "policy/profile-files.h"
#include "policy/profile-origin.h"

struct profile_call {
	const struct cli_run *c;
	struct profile_places places;
	bool json;
	char **operands;
	int count;
};

/* Each prints to standard output and returns the exit status; errors were printed too. */
int profile_show(const struct profile_call *call);
int profile_diff(const struct profile_call *call);

/* One profile as a run would have it, and where everything comes from. */
struct profile_resolved {
	char *name;
	struct profile_chain chain;
	struct sr_policy policy;
	struct profile_names allow, deny;
	struct sr_verdicts verdicts;  /* where a memory cgroup counts */
	struct sr_verdicts uncounted; /* where none does */
};

/* `operand` is a name or a file. Done with profile_resolved_done() in any case. 0 or negative. */
int profile_resolve(const struct profile_call *call, const char *operand, struct profile_resolved *ret,
		    struct sr_error *err);
void profile_resolved_done(struct profile_resolved *r);

/* The name as profile_load() takes it: NAME.ini without a '/' is the file of that name in the working folder. NULL: no memory. */
char *profile_operand(const char *operand);


/* --- what a filter answers, as text (cli/profile-text.c) --------------------------------------------------------------------- */

/* "allowed", "EPERM", "killed" ... */
void answer_text(uint32_t action, char out[static 32]);
/* Of a call: one whose arguments decide counts as allowed. */
void verdict_text(const struct sr_verdict *v, char out[static 32]);
/* "arg1 = 0x5412". */
void rule_when(const struct sr_arg_rule *rule, char *out, size_t size);
/* A group without calls of its own (@sockets-inet), allowed by this profile. */
bool group_is_bare(int group);
bool group_is_allowed(const struct profile_resolved *r, int group);
/* A key that takes yes or no: [profile] strict and quiet. */
enum { PROFILE_SWITCH_STRICT, PROFILE_SWITCH_QUIET, PROFILE_SWITCH_MAX };
const char *switch_name(int which);
const char *switch_text(const struct sr_policy *p, int which);
/* Where a name of the chain stands, "FILE:LINE". */
void origin_text(const struct profile_chain *chain, size_t link, unsigned int line, char *out, size_t size);
const char *place_name(enum place place);

#endif
