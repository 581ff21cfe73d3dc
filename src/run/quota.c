/* SPDX-License-Identifier: MIT */
#include "run/quota.h"

#include <stddef.h>

#include "base/macros.h"

void quota_init(struct sr_quota *q, uint64_t budget_ns, uint64_t length_ns, uint64_t now)
{
	*q = (struct sr_quota){ .budget_ns = budget_ns, .length_ns = length_ns, .next = 1, .count = 1 };
	q->sample[0].at = now;
}

/* What had been used when the stretch that ends now began: the latest reading that is not younger than that. */
static uint64_t used_before(const struct sr_quota *q, uint64_t now)
{
	uint64_t begin = now > q->length_ns ? now - q->length_ns : 0, used = 0, at = 0;
	bool found = false;

	for (unsigned i = 0; i < q->count; i++) {
		if (q->sample[i].at <= begin && (!found || q->sample[i].at >= at)) {
			at = q->sample[i].at;
			used = q->sample[i].used;
			found = true;
		}
	}
	return used; /* none is that old: the run is younger than a stretch */
}

uint64_t quota_left(const struct sr_quota *q, uint64_t now, uint64_t used_ns)
{
	uint64_t before = used_before(q, now), in_stretch = used_ns > before ? used_ns - before : 0;

	return in_stretch < q->budget_ns ? q->budget_ns - in_stretch : 0;
}

bool quota_exceeded(struct sr_quota *q, uint64_t now, uint64_t used_ns)
{
	const unsigned size = SR_ELEMENTSOF(q->sample), last = (q->next + size - 1) % size;

	if (now - q->sample[last].at >= q->length_ns / QUOTA_SAMPLES) {
		q->sample[q->next].at = now;
		q->sample[q->next].used = used_ns;
		q->next = (q->next + 1) % size;
		if (q->count < size)
			q->count++;
	}
	return quota_left(q, now, used_ns) == 0;
}
