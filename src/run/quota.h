/* SPDX-License-Identifier: MIT */
/*
 * cpu.window: so much processor time of all processes in any stretch of wall time. Pure arithmetic over what the caller
 * has read; the caller freezes and thaws.
 */
#ifndef SR_RUN_QUOTA_H
#define SR_RUN_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#define QUOTA_SAMPLES 64 /* a stretch is known to this part of it */

struct sr_quota {
	uint64_t budget_ns, length_ns; /* budget 0: no quota */
	struct {
		uint64_t at, used;
	} sample[QUOTA_SAMPLES + 1]; /* a ring, the oldest is overwritten */
	unsigned next, count;
};

/* now: any monotonic clock in ns; the time used until now counts as 0. */
void quota_init(struct sr_quota *q, uint64_t budget_ns, uint64_t length_ns, uint64_t now);
/* Takes a reading (total processor time used, ns) and says whether the program has to pause now. */
bool quota_exceeded(struct sr_quota *q, uint64_t now, uint64_t used_ns);
/* Processor time that is left in the stretch that ends now, by the last reading. */
uint64_t quota_left(const struct sr_quota *q, uint64_t now, uint64_t used_ns);

#endif
