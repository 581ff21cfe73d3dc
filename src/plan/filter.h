/* SPDX-License-Identifier: MIT */
/*
 * Seccomp filters as plain BPF bytes, ready for seccomp(2) (SECCOMP_SET_MODE_FILTER). The child installs the bytes and
 * knows nothing of profiles. Shipped profiles were compiled when sandrun was built; a policy with the same allow and deny
 * lists gets their filter, any other is compiled here.
 * Rests on seccomp(2), Documentation/userspace-api/seccomp_filter.rst, bpf(4).
 */
#ifndef SR_PLAN_FILTER_H
#define SR_PLAN_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

struct sr_filter {
	const struct sock_filter *insns;
	unsigned short count;
	struct sock_filter *owned; /* what filter_done() frees; NULL for a compiled-in filter */
};

/*
 * The payload's filter for this machine's architecture. memory_accounted: a memory cgroup counts what the payload
 * allocates; without one, calls whose memory nothing else can count (memfd_create, memfd_secret, shmget, msgget, semget)
 * answer ENOSYS (finding 14).
 */
int filter_build(const struct sr_policy *p, bool memory_accounted, struct sr_filter *ret, struct sr_error *err);
/* The filter of sandrun's own PID 1 (finding 1): it waits, reads and writes its control socket, kills, exits. */
void filter_for_init(struct sr_filter *ret);
void filter_done(struct sr_filter *f);

#endif
