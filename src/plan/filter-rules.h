/* SPDX-License-Identifier: MIT */
/*
 * What a filter answers, before it is BPF: one verdict a call, and the argument rules of the calls that need a look
 * inside. plan/filter-build.c turns verdicts into a program; the tests run the verdicts themselves as the reference.
 * Rests on seccomp(2).
 */
#ifndef SR_PLAN_FILTER_RULES_H
#define SR_PLAN_FILTER_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "policy/syscalls.h"

/*
 * Conditions on one argument. The kernel reads most of these arguments as int: what stands in the upper half of the
 * register is not seen by it, so it must not be seen by the filter either. Pointers are 64 bits.
 */
enum sr_cond_kind {
	SR_COND_LOW_EQUAL,  /* (uint32_t)arg == value */
	SR_COND_LOW_ANY,    /* (uint32_t)arg has a bit of value */
	SR_COND_LOW_MASKED, /* ((uint32_t)arg & mask) == value */
	SR_COND_LOW_ABOVE,  /* (uint32_t)arg > value */
	SR_COND_NONZERO,    /* any bit of the 64 */
};

struct sr_arg_cond {
	uint8_t arg;
	uint8_t kind; /* enum sr_cond_kind */
	uint32_t mask, value;
};

/* Under which profiles a rule counts. */
enum sr_rule_when {
	SR_RULE_ALWAYS,
	SR_RULE_WITH_INET,          /* the profile has @sockets-inet */
	SR_RULE_WITHOUT_WRITE_EXEC, /* it has no @write-exec */
};

/* All conditions hold: action. */
struct sr_arg_rule {
	struct sr_arg_cond conds[3];
	uint8_t cond_count;
	uint8_t when; /* enum sr_rule_when */
	uint32_t action;
};

/* The first rule that holds decides; none: otherwise. */
struct sr_arg_rules {
	int call; /* enum sr_syscall_id */
	const struct sr_arg_rule *rules;
	uint8_t count;
	uint32_t otherwise;
};

struct sr_verdict {
	uint32_t action;                  /* SECCOMP_RET_*; of use where rules is NULL */
	const struct sr_arg_rules *rules; /* for an allowed call that has some */
};

struct sr_verdicts {
	struct sr_verdict of[SR_SYSCALL_MAX];
	uint32_t unknown; /* calls that are not in the table */
	bool inet, write_exec; /* the profile has these groups, which have no calls of their own */
};

/* Whether the rule counts under the profile that the verdicts are of. */
bool filter_rule_counts(const struct sr_verdicts *v, const struct sr_arg_rule *rule);

/* The rules of an allowed call, or NULL. */
const struct sr_arg_rules *filter_rules_of(int call);

/*
 * Resolves the seccomp part of a policy. Unknown names, and names that may not be allowed, are errors with code
 * SR_E_PROFILE (the profile reader has refused them already; this is the second look).
 */
int filter_resolve(const struct sr_seccomp_policy *s, bool memory_accounted, struct sr_verdicts *ret,
		   struct sr_error *err);
/*
 * For a build (--build-layer): what a package manager does as root of a whole system, and one user's sandbox cannot do, is
 * answered with success and not done. Nothing is allowed that was not. With `network`, sockets are the internet's alone: those
 * of the host that have abstract names would be in reach.
 */
void filter_pretend(struct sr_verdicts *v, bool network);
/* The verdicts for sandrun's own PID 1: a short list, anything else kills it. */
void filter_resolve_init(struct sr_verdicts *ret);

#endif
