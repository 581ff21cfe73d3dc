/* SPDX-License-Identifier: MIT */
/* The limits' names and values as people read them, from the one table in policy/policy.h. */
#include <inttypes.h>

#include "cli/cli.h"

enum kind { BYTES, TIME, COUNT };

static const struct {
	const char *name;
	enum kind kind;
} rows[SR_LIMIT_MAX] = {
#define SR_LIMIT_ROW(field, section, key, kind, dflt) [SR_LIMIT_##field] = { key, kind },
	SR_LIMITS(SR_LIMIT_ROW)
#undef SR_LIMIT_ROW
};

const char *limit_name(enum sr_limit_id id)
{
	return rows[id].name;
}

void limit_text(const struct sr_policy *p, enum sr_limit_id id, char out[static 32])
{
	uint64_t v = policy_limit(p, id);

	if (rows[id].kind == BYTES)
		str_from_bytes(v, out);
	else if (rows[id].kind == TIME)
		str_from_duration(v, out);
	else if (v == SR_UNLIMITED)
		(void)snprintf(out, 32, "unlimited");
	else
		(void)snprintf(out, 32, "%" PRIu64, v);
}
