/* SPDX-License-Identifier: MIT */
/*
 * The limits' names, units and texts, from the one table SR_LIMITS (policy/policy.h): profiles, the user's config, the
 * command line, --explain and the report read and print them by this.
 *
 * Units of a value by kind: BYTES bytes; TIME ns; COUNT things; PERCENT hundredths of one processor; WEIGHT the kernel's
 * 1 to 10000 (cgroup v2, "cpu.weight"); WINDOW a struct sr_window, packed. SR_UNLIMITED is no limit, or the kernel's
 * default for a weight.
 */
#ifndef SR_POLICY_LIMIT_H
#define SR_POLICY_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

enum sr_limit_kind {
	SR_LIMIT_KIND_BYTES,
	SR_LIMIT_KIND_TIME,
	SR_LIMIT_KIND_COUNT,
	SR_LIMIT_KIND_PERCENT,
	SR_LIMIT_KIND_WEIGHT,
	SR_LIMIT_KIND_WINDOW,
};

struct sr_limit_row {
	const char *section, *name; /* of an INI file */
	enum sr_limit_kind kind;
	uint64_t builtin;
};

extern const struct sr_limit_row sr_limit_rows[SR_LIMIT_MAX];

/* So much processor time of all processes together in any stretch of wall time. */
struct sr_window {
	uint64_t budget_ns, length_ns;
};

/* A limit's text as its kind wants it. 0, -EINVAL, or -ERANGE when it is too large or too small. */
int limit_parse(enum sr_limit_kind kind, const char *text, uint64_t *ret);
/* "a size such as 100, 64K, 512M, 2G, or unlimited" */
const char *limit_takes(enum sr_limit_kind kind);
void limit_format(enum sr_limit_kind kind, uint64_t value, char out[static 32]);

/*
 * Does whatever keeps to the limit a keep to the limit b as well? Two windows may be such that neither is within the other.
 */
bool limit_is_within(enum sr_limit_kind kind, uint64_t a, uint64_t b);

/* 0 says "none at all" there; elsewhere it could mean "no limit" to some kernel interface, and is refused. */
bool limit_may_be_zero(enum sr_limit_id id);
const char *limit_name(enum sr_limit_id id);
/* The value that p has, with its unit ("512M", "60s", "128"). */
void limit_text(const struct sr_policy *p, enum sr_limit_id id, char out[static 32]);
/* Not for SR_UNLIMITED. */
struct sr_window limit_window(uint64_t value);

#endif
