/* SPDX-License-Identifier: MIT */
/*
 * Verdicts to BPF: the numbers that share an answer are joined to ranges, the ranges become a binary search, and calls with
 * argument rules jump to a block of their own (findings 18, 39). Used by tools/mkfilter when sandrun is built and by
 * plan/filter.c for a profile that the build did not know.
 */
#ifndef SR_PLAN_FILTER_BUILD_H
#define SR_PLAN_FILTER_BUILD_H

#include <linux/filter.h>

#include "plan/filter-rules.h"

/* 0 and a fresh program that the caller frees; -ENOMEM, -E2BIG, or -EINVAL for numbers that cannot be. */
int filter_compile(const struct sr_verdicts *v, const struct sr_syscall_numbers *numbers, enum sr_arch arch,
		   struct sock_filter **ret_insns, unsigned short *ret_count);

/* What the build made of the shipped profiles: in the generated source. */
struct sr_compiled_filter {
	const struct sock_filter *insns;
	unsigned short count;
};

struct sr_compiled_profile {
	const char *name;
	const char *const *allow; /* resolved lists, NULL-terminated: a policy with the same ones gets this filter */
	const char *const *deny;
	struct sr_compiled_filter filter[SR_ARCH_MAX][2]; /* [..][1]: a memory cgroup counts */
};

extern const struct sr_compiled_profile sr_compiled_profiles[];
extern const size_t sr_compiled_profile_count;
extern const struct sr_compiled_filter sr_compiled_init[SR_ARCH_MAX];
extern const char sr_compiled_libseccomp[]; /* the version that gave the numbers, "2.5.4" */

#endif
